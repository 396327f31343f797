package io.tiermount.fs.fuse.libfuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.fuse.NodeEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Lookup counts, to the last one. */
final class PathNodesTest {
  private static final Caller CALLER = new Caller(1, 2, 3);
  private static final long SECOND = 1_000_000_000L;

  /** Any name exists; a node's id is its path's hash, and its lookups are counted. */
  private static final class Counting implements PathNodes.Requests {
    private final Map<Long, AtomicLong> counts = new ConcurrentHashMap<>();
    private final AtomicLong lookups = new AtomicLong();
    private volatile long ttlNanos = SECOND;

    @Override
    public NodeEntry lookup(long parent, String name, Caller caller) throws FuseFailure {
      if (name.equals("none")) {
        throw new FuseFailure(Errno.ENOENT);
      }
      lookups.incrementAndGet();
      long id = parent * 31 + name.hashCode();
      of(id).incrementAndGet();
      Attributes attributes = new Attributes(id, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      return new NodeEntry(id, 0, ttlNanos, ttlNanos, attributes);
    }

    @Override
    public void forget(long nodeId, long count) {
      assertThat(of(nodeId).addAndGet(-count)).isNotNegative();
    }

    AtomicLong of(long nodeId) {
      return counts.computeIfAbsent(nodeId, _ -> new AtomicLong());
    }

    long total() {
      return counts.values().stream().mapToLong(AtomicLong::get).sum();
    }
  }

  private final Counting requests = new Counting();
  private final AtomicLong clock = new AtomicLong(5);

  private PathNodes nodes(int maxNames) {
    return new PathNodes(requests, clock::get, maxNames);
  }

  @Test
  void names_are_looked_up_once_while_they_live() throws Exception {
    PathNodes nodes = nodes(100);
    for (int i = 0; i < 3; i++) {
      nodes.resolve("/a/b/c", CALLER).close();
    }
    assertThat(requests.lookups).hasValue(3);
    clock.addAndGet(SECOND);
    nodes.resolve("/a/b/c", CALLER).close();
    assertThat(requests.lookups).hasValue(6);
    nodes.clear();
    assertThat(requests.total()).isZero();
  }

  @Test
  void the_root_needs_no_lookup_and_is_never_forgotten() throws Exception {
    PathNodes nodes = nodes(100);
    try (PathNodes.Held root = nodes.resolve("/", CALLER);
        PathNodes.Held parent = nodes.parent("/a", CALLER)) {
      assertThat(root.id()).isEqualTo(PathNodes.ROOT);
      assertThat(parent.id()).isEqualTo(PathNodes.ROOT);
    }
    nodes.clear();
    assertThat(requests.lookups).hasValue(0);
  }

  @Test
  void without_a_time_to_live_every_lookup_goes_back_at_once() throws Exception {
    requests.ttlNanos = 0;
    PathNodes nodes = nodes(100);
    try (PathNodes.Held held = nodes.resolve("/a/b", CALLER)) {
      assertThat(held.fresh()).isNotNull();
      assertThat(requests.total()).isEqualTo(1);
    }
    assertThat(requests.total()).isZero();
  }

  @Test
  void a_failed_walk_holds_nothing_but_the_cache() throws Exception {
    PathNodes nodes = nodes(100);
    assertThatThrownBy(() -> nodes.resolve("/a/none/c", CALLER)).isInstanceOf(FuseFailure.class);
    assertThat(requests.total()).isEqualTo(1);
    nodes.invalidate(PathNodes.ROOT, "a");
    assertThat(requests.total()).isZero();
  }

  @Test
  void the_cache_is_bounded_and_gives_back_what_it_drops() throws Exception {
    PathNodes nodes = nodes(10);
    for (int i = 0; i < 1000; i++) {
      nodes.resolve("/f" + i, CALLER).close();
    }
    assertThat(requests.total()).isEqualTo(10);
  }

  @Test
  void an_open_file_keeps_its_node_when_its_name_goes() throws Exception {
    PathNodes nodes = nodes(10);
    PathNodes.Held open = nodes.resolve("/a", CALLER);
    nodes.invalidate(PathNodes.ROOT, "a");
    assertThat(requests.total()).isEqualTo(1);
    open.close();
    assertThat(requests.total()).isZero();
  }

  @Test
  void many_threads_leave_no_lookup_behind() throws Exception {
    long seed = System.nanoTime();
    PathNodes nodes = nodes(20);
    List<Future<?>> walkers = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (int t = 0; t < 8; t++) {
        Random random = new Random(seed + t);
        walkers.add(
            threads.submit(() -> {
              for (int i = 0; i < 5000; i++) {
                String path = "/d" + random.nextInt(5) + "/f" + random.nextInt(20);
                try (PathNodes.Held held = nodes.resolve(path, CALLER)) {
                  if (random.nextInt(10) == 0) {
                    nodes.invalidate(PathNodes.ROOT, "d" + random.nextInt(5));
                    clock.addAndGet(SECOND / 50);
                  }
                  assertThat(requests.of(held.id())).as("seed %d", seed).hasPositiveValue();
                }
              }
              return null;
            }));
      }
      for (Future<?> walker : walkers) {
        walker.get();
      }
    }
    nodes.clear();
    assertThat(requests.total()).as("seed %d", seed).isZero();
  }
}
