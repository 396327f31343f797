package io.tiermount.fs.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FsStat;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.os.PathBytes;
import io.tiermount.backends.os.Xattrs;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a transport promises, whichever it is. Needs root and a kernel with FUSE. */
public abstract class TransportContract {
  @TempDir protected Path dir;
  protected final MemoryTree tree = new MemoryTree();
  protected Path mount;
  protected FuseTransport transport;
  private final List<Process> processes = new ArrayList<>();

  /** A new one, not started. */
  protected abstract FuseTransport transport();

  @BeforeEach
  void makeMountPoint() throws IOException {
    transport = transport();
    mount = Files.createDirectory(dir.resolve("mount"));
  }

  /** Before the temporary directory goes: what is under a live mount must not be walked. */
  @AfterEach
  void unmount() {
    transport.close();
    processes.forEach(Process::destroyForcibly);
  }

  protected KernelCache start() throws IOException {
    return transport.start(options(), tree);
  }

  protected MountOptions options() {
    return new MountOptions(mount, "memory", false, true, 1 << 20, true, 0);
  }

  protected String at(String name) {
    return mount + "/" + name;
  }

  /** Ended with the test. */
  protected Process run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    processes.add(process);
    return process;
  }

  /** Waits without a limit of its own: the test has one. */
  @SuppressWarnings("BusyWait") // there is nothing to be notified by: the kernel changes the state
  protected static void await(BooleanSupplier condition) throws InterruptedException {
    while (!condition.getAsBoolean()) {
      Thread.sleep(5);
    }
  }

  protected static byte[] random(int sizeBytes) {
    byte[] bytes = new byte[sizeBytes];
    new Random(sizeBytes).nextBytes(bytes);
    return bytes;
  }

  protected static void assertErrno(int errno, Call call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            ErrnoException.class,
            e -> assertThat(Errno.name(e.errno())).isEqualTo(Errno.name(errno)));
  }

  /** A system call that may fail. */
  protected interface Call {
    void run() throws IOException;
  }

  /** pread(2) to the end of the buffer or file. */
  protected static byte[] pread(int fd, long offsetBytes, int sizeBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.max(1, sizeBytes));
      int done = 0;
      while (done < sizeBytes) {
        long n = LibC.pread(fd, buffer.address() + done, sizeBytes - done, offsetBytes + done);
        assertThat(n).as("pread").isNotNegative();
        if (n == 0) {
          break;
        }
        done += (int) n;
      }
      return buffer.asSlice(0, done).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  protected int open(String name) throws ErrnoException {
    return LibC.open(at(name), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
  }

  @Test
  void attributes_arrive_whole() throws IOException {
    tree.file("a/b/file", random(1234));
    start();
    var stat = LibC.stat(at("a/b/file"));
    assertThat(stat.mode()).isEqualTo(0100644);
    assertThat(stat.sizeBytes()).isEqualTo(1234);
    assertThat(stat.blocks()).isEqualTo(3);
    assertThat(stat.atimeNanos()).isEqualTo(1_500_000_000_000_000_001L);
    assertThat(stat.mtimeNanos()).isEqualTo(1_600_000_000_000_000_002L);
    assertThat(stat.ctimeNanos()).isEqualTo(1_700_000_000_000_000_003L);
    assertThat(LibC.stat(at("a/b")).isDirectory()).isTrue();
    assertThatThrownBy(() -> Files.size(mount.resolve("a/none")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void a_directory_of_many_entries_lists_each_once() throws IOException {
    Set<String> names = new HashSet<>();
    for (int i = 0; i < 10_000; i++) {
      names.add("entry-" + i);
      tree.file("many/entry-" + i, new byte[0]);
    }
    tree.directory("empty");
    start();
    try (Stream<Path> list = Files.list(mount.resolve("many"))) {
      List<String> listed = list.map(path -> String.valueOf(path.getFileName())).toList();
      assertThat(listed).hasSize(10_000);
      assertThat(new HashSet<>(listed)).isEqualTo(names);
    }
    try (Stream<Path> list = Files.list(mount.resolve("empty"))) {
      assertThat(list).isEmpty();
    }
  }

  @Test
  void long_names_and_any_bytes_work() throws Exception {
    String odd = Names.decode(new byte[] {'o', (byte) 0xFF, ' ', '\n', (byte) 0x80});
    List<String> names = List.of("l".repeat(255), "größe-日本-😀", odd);
    for (String name : names) {
      tree.file("names/" + name, random(10));
    }
    start();
    for (String name : names) {
      assertThat(LibC.stat(at("names/" + name)).sizeBytes()).isEqualTo(10);
    }
    Process find = run("find", at("names"), "-type", "f", "-printf", "%f\\0");
    String listed = PathBytes.decode(find.getInputStream().readAllBytes());
    assertThat(listed.split("\0", -1)).containsAll(names).hasSize(4);
  }

  @Test
  void a_symlink_reads_back() throws IOException {
    tree.symlink("link", "some/where else");
    tree.file("file", random(3));
    tree.symlink("alias", "file");
    start();
    assertThat(Files.readSymbolicLink(mount.resolve("link"))).hasToString("some/where else");
    assertThat(Files.readAllBytes(mount.resolve("alias"))).isEqualTo(random(3));
  }

  @Test
  void reads_at_odd_offsets_match() throws IOException {
    byte[] content = random(3_000_001);
    tree.file("file", content);
    tree.file("nothing", new byte[0]);
    start();
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int fd = open("file");
    for (int i = 0; i < 300; i++) {
      int offset = random.nextInt(content.length + 10);
      int size = random.nextInt(200_000);
      byte[] expected =
          Arrays.copyOfRange(
              content, Math.min(offset, content.length), Math.min(offset + size, content.length));
      assertThat(Arrays.equals(pread(fd, offset, size), expected))
          .as("seed %d offset %d size %d", seed, offset, size)
          .isTrue();
    }
    LibC.close(fd);
    assertThat(Files.readAllBytes(mount.resolve("nothing"))).isEmpty();
  }

  @Test
  void a_big_file_reads_sequentially_and_intact() throws IOException {
    byte[] content = random(64 << 20);
    tree.file("big", content);
    start();
    byte[] buffer = new byte[1 << 20];
    int offset = 0;
    try (InputStream in = Files.newInputStream(mount.resolve("big"))) {
      while (true) {
        int n = in.readNBytes(buffer, 0, buffer.length);
        assertThat(Arrays.equals(buffer, 0, n, content, offset, offset + n)).isTrue();
        offset += n;
        if (n < buffer.length) {
          break;
        }
      }
    }
    assertThat(offset).isEqualTo(content.length);
  }

  @Test
  void a_mapping_shows_the_content() throws IOException {
    byte[] content = random(1_000_003);
    tree.file("file", content);
    start();
    int fd = open("file");
    long address = LibC.mmap(fd, 0, content.length, LibC.PROT_READ, LibC.MAP_SHARED);
    LibC.close(fd);
    // Copied by write(2): a page fault inside Java code would stop this JVM, which serves the page.
    Path copy = dir.resolve("copy");
    int out = LibC.open(copy.toString(), LibC.O_WRONLY | LibC.O_CREAT | LibC.O_CLOEXEC, 0600);
    assertThat(LibC.write(out, address, content.length)).isEqualTo(content.length);
    LibC.close(out);
    LibC.munmap(address, content.length);
    assertThat(Arrays.equals(Files.readAllBytes(copy), content)).isTrue();
  }

  @Test
  void concurrent_readers_get_their_own_bytes() throws Exception {
    byte[] content = random(8 << 20);
    tree.file("file", content);
    answerFromVirtualThreads();
    start();
    long seed = System.nanoTime();
    List<Future<?>> readers = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(16)) {
      for (int i = 0; i < 16; i++) {
        Random random = new Random(seed + i);
        readers.add(
            threads.submit(() -> {
              int fd = LibC.open(at("file"), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
              for (int j = 0; j < 100; j++) {
                int offset = random.nextInt(content.length - 50_000);
                byte[] expected = Arrays.copyOfRange(content, offset, offset + 50_000);
                assertThat(Arrays.equals(pread(fd, offset, 50_000), expected))
                    .as("seed %d", seed)
                    .isTrue();
              }
              LibC.close(fd);
              return null;
            }));
      }
      for (Future<?> reader : readers) {
        reader.get();
      }
    }
  }

  /** As a request that waits for a store is answered. */
  protected void answerFromVirtualThreads() {
    tree.hook((request, replier) -> {
      if (request instanceof FuseRequest.Forget) {
        return false;
      }
      Thread.startVirtualThread(() -> tree.answer(request, replier));
      return true;
    });
  }

  @Test
  void every_request_may_be_answered_from_another_thread() throws IOException {
    byte[] content = random(2_000_000);
    tree.file("dir/file", content).xattr("user.x", random(3000));
    tree.symlink("link", "dir/file");
    answerFromVirtualThreads();
    start();
    assertThat(Arrays.equals(Files.readAllBytes(mount.resolve("link")), content)).isTrue();
    assertThat(Xattrs.get(at("dir/file"), "user.x")).isEqualTo(random(3000));
    assertThat(LibC.statfs(mount.toString()).blocks()).isEqualTo(1000);
    try (Stream<Path> list = Files.list(mount.resolve("dir"))) {
      assertThat(list).hasSize(1);
    }
  }

  @Test
  void statfs_arrives() throws IOException {
    start();
    FsStat stat = LibC.statfs(mount.toString());
    assertThat(stat.blocks()).isEqualTo(1000);
    assertThat(stat.freeBlocks()).isEqualTo(400);
    assertThat(stat.availableBlocks()).isEqualTo(400);
    assertThat(stat.files()).isEqualTo(100);
    assertThat(stat.freeFiles()).isEqualTo(50);
    assertThat(stat.blockSizeBytes()).isEqualTo(4096);
    assertThat(stat.maxName()).isEqualTo(255);
  }

  @Test
  void extended_attributes_read_and_list() throws IOException {
    tree.file("file", random(1))
        .xattr("user.one", "1".getBytes(StandardCharsets.UTF_8))
        .xattr("user.empty", new byte[0])
        .xattr("user.big", random(40_000));
    start();
    assertThat(Xattrs.list(at("file"))).containsExactly("user.one", "user.empty", "user.big");
    assertThat(Xattrs.get(at("file"), "user.one")).asString().isEqualTo("1");
    assertThat(Xattrs.get(at("file"), "user.empty")).isEmpty();
    assertThat(Xattrs.get(at("file"), "user.big")).isEqualTo(random(40_000));
    assertErrno(Errno.ENODATA, () -> Xattrs.get(at("file"), "user.none"));
  }

  @Test
  void an_errno_arrives_as_it_was_answered() throws IOException {
    tree.file("file", random(1));
    int[] errno = {0};
    tree.hook((request, replier) -> {
      if (request instanceof FuseRequest.Open) {
        replier.fail(errno[0]);
        return true;
      }
      return false;
    });
    start();
    for (int e : new int[] {Errno.EACCES, Errno.EIO, Errno.ENOENT, Errno.EBUSY, Errno.EDQUOT}) {
      errno[0] = e;
      assertErrno(e, () -> open("file"));
    }
  }

  @Test
  void a_handler_that_throws_is_EIO_and_the_mount_goes_on() throws IOException {
    tree.file("bad", random(1));
    tree.file("good", random(1));
    long bad = node("bad").id();
    tree.hook((request, replier) -> {
      if (request.nodeId() == bad && request instanceof FuseRequest.Open) {
        throw new IllegalArgumentException("thrown by the test");
      }
      return false;
    });
    start();
    assertErrno(Errno.EIO, () -> open("bad"));
    assertThat(Files.readAllBytes(mount.resolve("good"))).isEqualTo(random(1));
  }

  @Test
  void a_write_reaches_the_handler_with_its_bytes() throws IOException {
    MemoryTree.Node file = tree.file("file", new byte[3 << 20]);
    start();
    int fd = LibC.open(at("file"), LibC.O_WRONLY | LibC.O_CLOEXEC, 0);
    byte[] data = random(2_500_000);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment source = arena.allocate(data.length).copyFrom(MemorySegment.ofArray(data));
      assertThat(LibC.pwrite(fd, source, 77)).isEqualTo(data.length);
    }
    LibC.fsync(fd);
    LibC.close(fd);
    assertThat(Arrays.equals(file.content(), 77, 77 + data.length, data, 0, data.length)).isTrue();
  }

  @Test
  void close_ends_a_mount_whose_requests_hang_and_whose_files_are_open() throws Exception {
    tree.file("file", random(100_000));
    CountDownLatch hanging = new CountDownLatch(1);
    hangReads(hanging);
    start();
    int fd = open("file");
    Process cat = run("cat", at("file"));
    hanging.await();
    transport.close();
    assertThat(tree.timesDestroyed()).isEqualTo(1);
    assertThat(cat.waitFor()).isNotZero();
    assertThat(mount).isEmptyDirectory();
    assertErrno(Errno.ENOTCONN, () -> LibC.close(fd));
    transport.close();
    assertThat(tree.timesDestroyed()).isEqualTo(1);
  }

  /** READs are never answered. */
  protected void hangReads(CountDownLatch hanging) {
    tree.hook((request, _) -> {
      boolean hangs = request instanceof FuseRequest.Read;
      if (hangs) {
        hanging.countDown();
      }
      return hangs;
    });
  }

  @Test
  void an_answer_after_the_end_says_that_nobody_waits() throws Exception {
    tree.file("file", random(100_000));
    List<Replier> late = new ArrayList<>();
    CountDownLatch hanging = new CountDownLatch(1);
    tree.hook((request, replier) -> {
      if (request instanceof FuseRequest.Open) {
        late.add(replier);
        hanging.countDown();
        return true;
      }
      return false;
    });
    start();
    Process cat = run("cat", at("file"));
    hanging.await();
    transport.close();
    assertThat(late.getFirst().reply(FuseReply.DONE)).isFalse();
    assertThat(cat.waitFor()).isNotZero();
  }

  @Test
  void an_unmount_from_outside_is_noticed() throws Exception {
    tree.file("file", random(10));
    start();
    assertThat(Files.readAllBytes(mount.resolve("file"))).hasSize(10);
    assertThat(run("umount", mount.toString()).waitFor()).isZero();
    assertThat(tree.gone().await(20, TimeUnit.SECONDS)).isTrue();
    transport.close();
    assertThat(tree.timesDestroyed()).isEqualTo(1);
  }

  @Test
  void a_second_answer_is_refused() throws Exception {
    tree.file("file", random(10));
    List<Throwable> thrown = new CopyOnWriteArrayList<>();
    tree.hook((request, replier) -> {
      if (request instanceof FuseRequest.Open) {
        tree.answer(request, replier);
        try {
          replier.fail(Errno.EIO);
        } catch (IllegalStateException e) {
          thrown.add(e);
        }
        return true;
      }
      return false;
    });
    start();
    LibC.close(open("file"));
    await(() -> thrown.size() == 1);
    assertThat(transport.requestCounts()).containsEntry("OPEN", 1L).containsEntry("READ", 0L);
  }

  @Test
  void a_mount_point_that_cannot_be_says_what_to_do() throws IOException {
    Path file = Files.createFile(dir.resolve("plain"));
    Path missing = dir.resolve("missing");
    for (Path path : new Path[] {file, missing}) {
      try (FuseTransport failing = transport()) {
        MountOptions options = new MountOptions(path, "memory", true, true, 1 << 20, false, 0);
        assertThatThrownBy(() -> failing.start(options, tree))
            .isInstanceOf(IOException.class)
            .hasMessageContaining(path.toString());
      }
    }
    assertThatCode(() -> transport().close()).doesNotThrowAnyException();
  }

  @Test
  void a_read_only_mount_refuses_writers() throws IOException {
    tree.file("file", random(10));
    transport.start(new MountOptions(mount, "m", true, true, 1 << 20, false, 0), tree);
    assertErrno(Errno.EROFS, () -> LibC.open(at("file"), LibC.O_WRONLY | LibC.O_CLOEXEC, 0));
    assertThat(Files.readAllBytes(mount.resolve("file"))).hasSize(10);
  }

  /** A node that the test put there. */
  protected MemoryTree.Node node(String path) {
    return Objects.requireNonNull(tree.find(path), path);
  }
}
