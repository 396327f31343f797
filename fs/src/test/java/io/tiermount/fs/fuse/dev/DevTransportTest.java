package io.tiermount.fs.fuse.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.MemoryTree;
import io.tiermount.fs.fuse.MountOptions;
import io.tiermount.fs.fuse.NodeEntry;
import io.tiermount.fs.fuse.TransportContract;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The contract, and what only /dev/fuse can do. */
class DevTransportTest extends TransportContract {
  @Override
  protected FuseTransport transport() {
    return new DevFuseTransport();
  }

  private long count(String opcode) {
    return transport.requestCounts().getOrDefault(opcode, -1L);
  }

  @Test
  void a_killed_caller_interrupts_its_request() throws Exception {
    tree.file("file", random(100));
    CountDownLatch hanging = new CountDownLatch(1);
    tree.hook((request, replier) -> {
      if (request instanceof FuseRequest.Open) {
        replier.onInterrupt(() -> replier.fail(Errno.EINTR));
        hanging.countDown();
        return true;
      }
      return false;
    });
    start();
    Process cat = run("cat", at("file"));
    hanging.await();
    cat.destroy();
    assertThat(cat.waitFor()).isNotZero();
    assertThat(count("INTERRUPT")).isPositive();
  }

  @Test
  void an_interrupt_that_comes_first_runs_the_action_at_once() throws Exception {
    tree.file("file", random(100));
    CountDownLatch hanging = new CountDownLatch(1);
    AtomicInteger actions = new AtomicInteger();
    tree.hook((request, replier) -> {
      if (!(request instanceof FuseRequest.Open)) {
        return false;
      }
      hanging.countDown();
      awaitQuietly(() -> count("INTERRUPT") > 0);
      replier.onInterrupt(() -> {
        actions.incrementAndGet();
        replier.fail(Errno.EINTR);
      });
      return true;
    });
    start();
    Process cat = run("cat", at("file"));
    hanging.await();
    cat.destroy();
    assertThat(cat.waitFor()).isNotZero();
    assertThat(actions).hasValue(1);
  }

  private static void awaitQuietly(BooleanSupplier condition) {
    try {
      await(condition);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Buffered reads are background requests (ASYNC_READ): their caller waits for pages, killably.
   */
  @Test
  void a_killed_reader_ends_although_its_read_hangs() throws Exception {
    tree.file("file", random(100));
    CountDownLatch hanging = new CountDownLatch(1);
    hangReads(hanging);
    start();
    Process cat = run("cat", at("file"));
    hanging.await();
    cat.destroy();
    assertThat(cat.waitFor()).isNotZero();
  }

  @Test
  void a_handler_that_blocks_its_reader_is_interrupted_by_close() throws Exception {
    tree.file("file", random(100));
    CountDownLatch hanging = new CountDownLatch(1);
    tree.hook((request, replier) -> {
      if (!(request instanceof FuseRequest.Open)) {
        return false;
      }
      CountDownLatch interrupted = new CountDownLatch(1);
      replier.onInterrupt(interrupted::countDown);
      hanging.countDown();
      awaitQuietly(() -> interrupted.getCount() == 0);
      assertThat(replier.fail(Errno.EINTR)).isFalse();
      return true;
    });
    start();
    Process cat = run("cat", at("file"));
    hanging.await();
    transport.close();
    assertThat(tree.timesDestroyed()).isEqualTo(1);
    assertThat(cat.waitFor()).isNotZero();
  }

  @Test
  void every_lookup_is_forgotten_in_the_end() throws Exception {
    for (int i = 0; i < 2000; i++) {
      tree.file("dir/" + i % 10 + "/" + i, random(1));
    }
    start();
    // READDIRPLUS where ls asks for attributes, LOOKUP where find goes by names.
    assertThat(run("ls", "-lR", mount.toString()).getInputStream().readAllBytes()).isNotEmpty();
    for (int i = 0; i < 2000; i += 3) {
      LibC.stat(at("dir/" + i % 10 + "/" + i));
      assertErrno(Errno.ENOENT, () -> LibC.stat(at("dir/none")));
    }
    assertThat(count("READDIRPLUS")).isPositive();
    assertThat(tree.lookupCount()).isGreaterThanOrEqualTo(2000);
    await(() -> {
      dropCaches();
      return tree.lookupCount() == 0;
    });
    transport.close();
    assertThat(tree.lookupCount()).isZero();
    assertThat(count("FORGET") + count("BATCH_FORGET")).isPositive();
  }

  private static void dropCaches() {
    try {
      Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "2");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void lookups_that_callers_gave_up_are_forgotten_too() throws Exception {
    for (int i = 0; i < 300; i++) {
      tree.file("dir/" + i % 10 + "/" + i, random(1));
    }
    long seed = System.nanoTime();
    Random random = new Random(seed);
    // A slow store, so that callers die while they wait.
    tree.hook((request, replier) -> {
      if (request instanceof FuseRequest.Forget) {
        return false;
      }
      Thread worker =
          Thread.ofVirtual()
              .unstarted(() -> {
                LockSupport.parkNanos(100_000);
                tree.answer(request, replier);
              });
      replier.onInterrupt(worker::interrupt);
      worker.start();
      return true;
    });
    start();
    for (int i = 0; i < 15; i++) {
      Process ls = run("ls", "-lR", mount.toString());
      long until = count("LOOKUP") + count("READDIRPLUS") + random.nextInt(40);
      await(() -> !ls.isAlive() || count("LOOKUP") + count("READDIRPLUS") >= until);
      ls.destroyForcibly();
      assertThat(ls.waitFor()).isNotEqualTo(1);
    }
    assertThat(tree.lookupCount()).as("seed %d", seed).isPositive();
    await(() -> {
      dropCaches();
      return tree.lookupCount() == 0;
    });
  }

  @Test
  void a_name_that_is_not_there_may_be_remembered() throws IOException {
    tree.hook((request, replier) -> {
      if (request instanceof FuseRequest.Lookup) {
        NodeEntry none = new NodeEntry(0, 0, 60_000_000_000L, 0, tree.directory("").attributes());
        replier.reply(new FuseReply.Entry(none));
        return true;
      }
      return false;
    });
    start();
    for (int i = 0; i < 3; i++) {
      assertErrno(Errno.ENOENT, () -> LibC.stat(at("none")));
    }
    assertThat(count("LOOKUP")).isEqualTo(1);
  }

  @Test
  void open_answered_ENOSYS_is_not_asked_again() throws IOException {
    tree.file("file", random(10_000));
    tree.hook(
        (request, replier) -> request instanceof FuseRequest.Open && replier.fail(Errno.ENOSYS));
    start();
    for (int i = 0; i < 3; i++) {
      assertThat(Files.readAllBytes(mount.resolve("file"))).isEqualTo(random(10_000));
    }
    assertThat(count("OPEN")).isEqualTo(1);
    assertThat(count("RELEASE")).isZero();
  }

  @Test
  void listing_with_attributes_needs_no_lookups() throws Exception {
    for (int i = 0; i < 500; i++) {
      tree.file("dir/" + i, random(1));
    }
    start();
    assertThat(run("ls", "-l", at("dir")).getInputStream().readAllBytes()).isNotEmpty();
    assertThat(count("READDIRPLUS")).isPositive();
    assertThat(count("LOOKUP")).isLessThan(10);
    assertThat(count("GETATTR")).isLessThan(10);
  }

  @Test
  void an_entry_without_attributes_is_looked_up_when_needed() throws Exception {
    tree.file("dir/file", random(7));
    tree.hook((request, replier) -> {
      if (request instanceof FuseRequest.ReadDir list && list.plus()) {
        var writer = replier.directory(list);
        if (list.offset() == 0) {
          writer.add("file", node("dir/file").id(), 0100000, 1);
        }
        replier.reply(new FuseReply.Payload(writer.sizeBytes()));
        return true;
      }
      return false;
    });
    start();
    String listed =
        new String(
            run("ls", "-l", at("dir")).getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(listed).contains(" 7 ").contains("file");
    assertThat(tree.lookupCount()).isEqualTo(2);
  }

  @Test
  void invalidation_shows_new_content_size_and_names() throws Exception {
    byte[] before = random(10_000);
    byte[] after = random(20_000);
    MemoryTree.Node file = tree.file("file", before);
    KernelCache kernel = start();
    int fd = open("file");
    assertThat(pread(fd, 0, 10_000)).isEqualTo(before);
    file.content(Arrays.copyOf(after, 10_000));
    assertThat(pread(fd, 0, 10_000)).as("cached").isEqualTo(before);
    kernel.invalidateInode(file.id(), 4096, 4096);
    byte[] mixed = before.clone();
    System.arraycopy(after, 4096, mixed, 4096, 4096);
    assertThat(pread(fd, 0, 10_000)).as("one page").isEqualTo(mixed);
    file.content(after);
    kernel.invalidateInode(file.id(), 0, 0);
    assertThat(LibC.stat(at("file")).sizeBytes()).isEqualTo(20_000);
    assertThat(pread(fd, 0, 8192)).as("attributes alone").isEqualTo(Arrays.copyOf(mixed, 8192));
    kernel.invalidateInode(file.id(), 0, -1);
    assertThat(pread(fd, 0, 20_000)).isEqualTo(after);
    LibC.close(fd);
    tree.remove("file");
    assertThat(LibC.stat(at("file")).sizeBytes()).as("cached").isEqualTo(20_000);
    kernel.invalidateEntry(1, "file");
    assertErrno(Errno.ENOENT, () -> LibC.stat(at("file")));
    kernel.invalidateEntry(1, "never seen");
    kernel.invalidateInode(4711, 0, -1);
  }

  @Test
  void requests_are_as_large_as_the_read_ahead() throws IOException {
    byte[] content = random(16 << 20);
    tree.file("big", content);
    AtomicInteger largest = new AtomicInteger();
    tree.hook((request, _) -> {
      if (request instanceof FuseRequest.Read read) {
        largest.accumulateAndGet(read.sizeBytes(), Math::max);
      }
      return false;
    });
    start();
    assertThat(Arrays.equals(Files.readAllBytes(mount.resolve("big")), content)).isTrue();
    assertThat(largest).hasValue(1 << 20);
    var stat = LibC.stat(mount.toString());
    Path readAhead =
        Path.of("/sys/class/bdi", stat.devMajor() + ":" + stat.devMinor(), "read_ahead_kb");
    assertThat(Files.readString(readAhead).strip()).isEqualTo("1024");
  }

  @Test
  void a_file_opened_in_passthrough_sends_no_read() throws Exception {
    byte[] content = random(5_000_000);
    Path backing = dir.resolve("backing");
    Files.write(backing, content);
    tree.file("file", new byte[content.length]);
    KernelCache[] kernel = new KernelCache[1];
    List<Integer> ids = new ArrayList<>();
    tree.hook((request, replier) -> {
      if (!(request instanceof FuseRequest.Open)) {
        return false;
      }
      try {
        int fd = LibC.open(backing.toString(), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        int id = kernel[0].openBacking(fd);
        LibC.close(fd);
        ids.add(id);
        replier.reply(
            new FuseReply.Opened(new FuseReply.OpenFile(1, 0, new FuseReply.Backing(id))));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return true;
    });
    kernel[0] = start();
    assertThat(kernel[0].passthroughOff()).isEmpty();
    assertThat(kernel[0].passthrough()).isTrue();
    assertThat(Arrays.equals(Files.readAllBytes(mount.resolve("file")), content)).isTrue();
    assertThat(count("OPEN")).isEqualTo(1);
    assertThat(count("READ")).isZero();
    ids.forEach(kernel[0]::closeBacking);
    assertThatThrownBy(() -> kernel[0].openBacking(-1))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("EBADF");
  }

  @Test
  void passthrough_that_is_off_says_why() throws IOException {
    KernelCache kernel =
        transport.start(new MountOptions(mount, "memory", false, true, 1 << 20, false, 0), tree);
    assertThat(kernel.passthrough()).isFalse();
    assertThat(kernel.passthroughOff()).contains("passthrough = true");
    assertThatThrownBy(() -> kernel.openBacking(0)).isInstanceOf(IOException.class);
  }

  @Test
  void a_dead_mount_of_ours_is_cleared_and_a_living_one_is_not() throws IOException {
    tree.file("file", random(10));
    FuseDevice device = MountPoint.openDevice();
    MountPoint.mount(options(), device);
    device.close();
    assertErrno(Errno.ENOTCONN, () -> LibC.stat(mount.toString()));
    start();
    assertThat(Files.readAllBytes(mount.resolve("file"))).hasSize(10);
    try (FuseTransport second = transport()) {
      assertThatThrownBy(() -> second.start(options(), tree))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("umount " + mount);
    }
    assertThat(Files.readAllBytes(mount.resolve("file"))).hasSize(10);
  }

  @Test
  void a_busy_mount_is_aborted_through_fusectl_where_that_is_mounted() throws Exception {
    Path control = Files.createDirectory(dir.resolve("control"));
    LibC.mount("fusectl", control.toString(), "fusectl", 0, null);
    try {
      transport = new DevFuseTransport(control);
      tree.file("file", random(10));
      CountDownLatch hanging = new CountDownLatch(1);
      hangReads(hanging);
      start();
      Process cat = run("cat", at("file"));
      hanging.await();
      transport.close();
      assertThat(cat.waitFor()).isNotZero();
      assertThat(tree.timesDestroyed()).isEqualTo(1);
      assertThat(mount).isEmptyDirectory();
    } finally {
      LibC.umount2(control.toString(), LibC.MNT_DETACH);
    }
  }

  @Test
  void no_child_inherits_the_descriptor() throws IOException {
    start();
    int found = 0;
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      for (Path fd : descriptors.toList()) {
        if (Files.isSymbolicLink(fd) && Files.readSymbolicLink(fd).endsWith("fuse")) {
          String info = Files.readString(Path.of("/proc/self/fdinfo/" + fd.getFileName()));
          String flags = info.lines().filter(l -> l.startsWith("flags:")).findFirst().orElse("");
          assertThat(Integer.parseInt(flags.substring(6).strip(), 8) & LibC.O_CLOEXEC).isNotZero();
          found++;
        }
      }
    }
    assertThat(found).isPositive();
  }

  @Test
  void answers_from_other_threads_share_a_bounded_pool() throws Exception {
    final int readers = 100;
    final int limit = 64;
    byte[] content = random(readers * (2 << 20));
    tree.file("file", content);
    AtomicInteger holding = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch full = new CountDownLatch(limit);
    tree.hook((request, replier) -> {
      if (!(request instanceof FuseRequest.Read read)) {
        return false;
      }
      Thread.startVirtualThread(() -> {
        replier.payload(read.sizeBytes());
        most.accumulateAndGet(holding.incrementAndGet(), Math::max);
        full.countDown();
        try {
          full.await();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
        holding.decrementAndGet();
        tree.answer(request, replier);
      });
      return true;
    });
    start();
    int fd = LibC.open(at("file"), LibC.O_RDONLY | LibC.O_DIRECT | LibC.O_CLOEXEC, 0);
    List<Future<Boolean>> results = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(readers)) {
      for (int i = 0; i < readers; i++) {
        int offset = i * (2 << 20);
        results.add(
            threads.submit(() ->
                Arrays.equals(
                    pread(fd, offset, 4096), Arrays.copyOfRange(content, offset, offset + 4096))));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
    }
    LibC.close(fd);
    assertThat(most).hasValueLessThanOrEqualTo(limit);
  }

  @Test
  void a_payload_begun_by_the_reader_may_be_finished_by_another_thread() throws Exception {
    byte[] content = random(4 << 20);
    tree.file("file", content);
    AtomicInteger inline = new AtomicInteger();
    tree.hook((request, replier) -> {
      if (!(request instanceof FuseRequest.Read read)) {
        return false;
      }
      replier.payload(read.sizeBytes());
      if (inline.incrementAndGet() % 3 == 0) {
        return false;
      }
      Thread.startVirtualThread(() -> tree.answer(request, replier));
      return true;
    });
    start();
    int fd = LibC.open(at("file"), LibC.O_RDONLY | LibC.O_DIRECT | LibC.O_CLOEXEC, 0);
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        int offset = i * 4096;
        results.add(
            threads.submit(() ->
                Arrays.equals(
                    pread(fd, offset, 8192), Arrays.copyOfRange(content, offset, offset + 8192))));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
    }
    LibC.close(fd);
  }
}
