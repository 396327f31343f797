package io.tiermount.fs.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.meta.MetaMemory;
import io.tiermount.fs.meta.StateStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS R8: node numbers mean the same after a restart and are given once. */
class NodesTest {
  @TempDir Path dir;
  private MetaMemory memory;
  private StateStore state;
  private Nodes nodes;

  @BeforeEach
  void open() throws IOException {
    memory = new MetaMemory(MetaMemory.DEFAULT_BYTES);
    state = StateStore.open(dir.resolve("state"), memory);
    nodes = new Nodes(state, new NodeIds(state), "scope", 7);
  }

  @AfterEach
  void close() {
    state.close();
    memory.close();
  }

  private void restart() throws IOException {
    close();
    open();
  }

  private Node child(Node parent, String name) throws IOException {
    return nodes.childOrNew(parent, name, name, name.hashCode());
  }

  @Test
  void r8_numbers_names_and_inodes_survive_a_restart() throws IOException {
    Node a = child(nodes.root(), "a");
    Node b = nodes.childOrNew(a, "b%tm.long.x", "the whole segment", 99);
    restart();
    assertThat(child(nodes.root(), "a").id()).isEqualTo(a.id());
    Node again = nodes.byKernelId(b.id());
    assertThat(again).isNotNull();
    assertThat(again.path()).isEqualTo("a/b%tm.long.x");
    assertThat(again.segment()).isEqualTo("the whole segment");
    assertThat(again.ino()).isEqualTo(99);
    assertThat(nodes.root().id()).isNotEqualTo(1);
    assertThat(nodes.kernelId(nodes.root())).isEqualTo(1);
    assertThat(nodes.byKernelId(1)).isSameAs(nodes.root());
  }

  @Test
  void r8_a_number_is_never_given_twice_whatever_restarts_come_between() throws IOException {
    Set<Long> given = new HashSet<>();
    for (int restart = 0; restart < 4; restart++) {
      for (int i = 0; i < 50; i++) {
        assertThat(given.add(child(nodes.root(), restart + "-" + i).id())).isTrue();
      }
      restart();
    }
  }

  @Test
  void a_renewed_name_has_a_new_number_and_the_old_one_stays_for_those_who_hold_it()
      throws IOException {
    Node old = child(nodes.root(), "f");
    nodes.remember(old);
    Node renewed = nodes.renew(old);
    assertThat(renewed.id()).isNotEqualTo(old.id());
    assertThat(renewed.ino()).isEqualTo(old.ino());
    assertThat(nodes.child(nodes.root(), "f")).isSameAs(renewed);
    assertThat(nodes.isCurrent(old)).isFalse();
    assertThat(nodes.byKernelId(old.id())).isSameAs(old);
    assertThat(nodes.renew(old)).as("renewed once").isSameAs(renewed);
    nodes.forget(old.id(), 1);
    restart();
    assertThat(nodes.byKernelId(old.id())).as("forgotten and nameless").isNull();
    assertThat(nodes.byKernelId(renewed.id())).isNotNull();
  }

  @Test
  void many_threads_that_meet_a_new_name_get_one_node() throws Exception {
    Set<Long> ids = ConcurrentHashMap.newKeySet();
    Thread[] threads = new Thread[8];
    for (int t = 0; t < threads.length; t++) {
      threads[t] =
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < 200; i++) {
                  try {
                    ids.add(child(nodes.root(), "n" + i).id());
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                }
              });
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(ids).hasSize(200);
  }

  @Test
  void two_mounts_of_one_table_do_not_share_numbers() throws IOException {
    Nodes other = new Nodes(state, new NodeIds(state), "other", 7);
    assertThat(other.root().id()).isNotEqualTo(nodes.root().id());
  }
}
