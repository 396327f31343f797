package io.tiermount.fs.fuse.dev;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.os.LibC;
import io.tiermount.backends.os.Xattrs;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.MemoryTree;
import io.tiermount.fs.fuse.MountOptions;
import io.tiermount.fs.fuse.NodeEntry;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel really sends for each system call, field by field. */
class RequestDecoderTest {
  private static final long TTL_NANOS = 60_000_000_000L;

  @TempDir private Path dir;
  private final MemoryTree tree = new MemoryTree();
  private final Queue<FuseRequest> seen = new ConcurrentLinkedQueue<>();
  private final DevFuseTransport transport = new DevFuseTransport();
  private Path mount;
  private long file;
  private long sub;

  @BeforeEach
  void mount() throws IOException {
    mount = Files.createDirectory(dir.resolve("mount"));
    file = tree.file("file", new byte[10_000]).id();
    tree.file("other", new byte[10_000]);
    sub = tree.directory("sub").id();
    tree.hook((request, replier) -> {
      seen.add(request);
      switch (request) {
        case FuseRequest.SetXattr set -> {
          assertThat(set.value().toArray(ValueLayout.JAVA_BYTE)).asString().isEqualTo("value");
          replier.reply(FuseReply.DONE);
        }
        case FuseRequest.LSeek seek -> replier.reply(new FuseReply.Offset(seek.offsetBytes() + 1));
        case FuseRequest.CopyFileRange copy ->
            replier.reply(new FuseReply.Written((int) copy.lengthBytes()));
        case FuseRequest.Fallocate _ -> replier.reply(FuseReply.DONE);
        case FuseRequest.Create create -> {
          Attributes made = new Attributes(99, create.mode(), 1, 0, 0, 0, 0, 0, 4096, 0, 0, 0);
          replier.reply(
              new FuseReply.Created(
                  new NodeEntry(99, 0, TTL_NANOS, TTL_NANOS, made),
                  new FuseReply.OpenFile(77, 0, null)));
        }
        default -> {
          if (request.nodeId() == 99) {
            replier.reply(FuseReply.DONE);
            return true;
          }
          return false;
        }
      }
      return true;
    });
    transport.start(new MountOptions(mount, "memory", false, true, 1 << 20, false, 2), tree);
  }

  @AfterEach
  void unmount() {
    transport.close();
  }

  private String at(String name) {
    return mount + "/" + name;
  }

  /** The first request of this kind. */
  private <T extends FuseRequest> T saw(Class<T> kind) {
    return Objects.requireNonNull(
        seen.stream().filter(kind::isInstance).map(kind::cast).findFirst().orElse(null),
        () -> kind.getSimpleName() + " not among " + seen);
  }

  /** The call is refused by the tree; what matters is how it arrived. */
  private static void attempt(Call call) {
    try {
      call.run();
    } catch (IOException e) {
      assertThat(e).isNotNull();
    }
  }

  private interface Call {
    void run() throws IOException;
  }

  @Test
  void create_carries_flags_mode_and_umask_and_hands_its_file_over() throws Exception {
    int flags = LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL | LibC.O_CLOEXEC;
    int fd = LibC.open(at("sub/new"), flags, 0750);
    FuseRequest.Create create = saw(FuseRequest.Create.class);
    assertThat(create.nodeId()).isEqualTo(sub);
    assertThat(create.name()).isEqualTo("new");
    assertThat(create.mode() & Attributes.S_IFMT).isEqualTo(Attributes.S_IFREG);
    assertThat(create.mode() & 07777).isEqualTo(0750 & ~create.umask());
    assertThat(create.flags() & (LibC.O_RDWR | LibC.O_EXCL)).isEqualTo(LibC.O_RDWR | LibC.O_EXCL);
    assertThat(create.caller().uid()).isZero();
    assertThat(create.caller().pid()).isPositive();
    LibC.close(fd);
    assertThat(saw(FuseRequest.Flush.class).handle()).isEqualTo(77);
  }

  @Test
  void names_are_made_moved_and_removed() throws Exception {
    attempt(() -> LibC.renameat2(at("file"), at("sub/to"), LibC.RENAME_NOREPLACE));
    FuseRequest.Rename rename = saw(FuseRequest.Rename.class);
    assertThat(rename)
        .isEqualTo(
            new FuseRequest.Rename(1, rename.caller(), "file", sub, "to", LibC.RENAME_NOREPLACE));
    seen.clear();
    attempt(() -> LibC.rename(at("file"), at("sub/to")));
    assertThat(saw(FuseRequest.Rename.class))
        .isEqualTo(new FuseRequest.Rename(1, rename.caller(), "file", sub, "to", 0));
    attempt(() -> LibC.link(at("file"), at("sub/name")));
    assertThat(saw(FuseRequest.Link.class))
        .isEqualTo(new FuseRequest.Link(sub, rename.caller(), "name", file));
    attempt(() -> LibC.unlink(at("file")));
    assertThat(saw(FuseRequest.Unlink.class).name()).isEqualTo("file");
    attempt(() -> Files.delete(mount.resolve("sub")));
    assertThat(saw(FuseRequest.RmDir.class).name()).isEqualTo("sub");
    attempt(() -> Files.createSymbolicLink(mount.resolve("sub/link"), Path.of("the/target")));
    FuseRequest.Symlink symlink = saw(FuseRequest.Symlink.class);
    assertThat(symlink.name()).isEqualTo("link");
    assertThat(symlink.target()).isEqualTo("the/target");
    attempt(() -> Files.createDirectory(mount.resolve("made")));
    FuseRequest.MkDir mkdir = saw(FuseRequest.MkDir.class);
    assertThat(mkdir.name()).isEqualTo("made");
    assertThat(mkdir.mode() & 07777).isEqualTo(0777 & ~mkdir.umask());
    new ProcessBuilder("mkfifo", at("pipe")).start().waitFor();
    FuseRequest.MkNod mknod = saw(FuseRequest.MkNod.class);
    assertThat(mknod.name()).isEqualTo("pipe");
    assertThat(mknod.mode() & Attributes.S_IFMT).isEqualTo(Attributes.S_IFIFO);
    attempt(() -> LibC.open(at("sub"), LibC.O_TMPFILE | LibC.O_RDWR | LibC.O_CLOEXEC, 0600));
    FuseRequest.TmpFile temporary = saw(FuseRequest.TmpFile.class);
    assertThat(temporary.nodeId()).isEqualTo(sub);
    assertThat(temporary.mode() & 07777).isEqualTo(0600);
  }

  @Test
  void attributes_are_set_field_by_field() throws IOException {
    attempt(() ->
        Files.setPosixFilePermissions(
            mount.resolve("file"), PosixFilePermissions.fromString("r--r-----")));
    FuseRequest.SetAttr mode = saw(FuseRequest.SetAttr.class);
    assertThat(mode.valid() & FuseRequest.SetAttr.MODE).isNotZero();
    assertThat(mode.mode() & 07777).isEqualTo(0440);
    seen.clear();
    Files.setLastModifiedTime(
        mount.resolve("file"), FileTime.from(1_234_567_890_123_456_789L, TimeUnit.NANOSECONDS));
    FuseRequest.SetAttr time = saw(FuseRequest.SetAttr.class);
    assertThat(time.valid() & FuseRequest.SetAttr.MTIME).isNotZero();
    assertThat(time.mtimeNanos() / 1000).isEqualTo(1_234_567_890_123_456L);
    seen.clear();
    Files.setAttribute(mount.resolve("file"), "unix:uid", 4242);
    FuseRequest.SetAttr owner = saw(FuseRequest.SetAttr.class);
    assertThat(owner.valid() & FuseRequest.SetAttr.UID).isNotZero();
    assertThat(owner.valid() & FuseRequest.SetAttr.GID).isZero();
    assertThat(owner.uid()).isEqualTo(4242);
    seen.clear();
    int fd = LibC.open(at("file"), LibC.O_RDWR | LibC.O_CLOEXEC, 0);
    LibC.ftruncate(fd, 5_000_000_000L);
    FuseRequest.SetAttr size = saw(FuseRequest.SetAttr.class);
    int expected = FuseRequest.SetAttr.SIZE | FuseRequest.SetAttr.HANDLE;
    assertThat(size.valid() & expected).isEqualTo(expected);
    assertThat(size.sizeBytes()).isEqualTo(5_000_000_000L);
    LibC.close(fd);
  }

  @Test
  void open_files_are_synced_sought_allocated_and_copied() throws IOException {
    int fd = LibC.open(at("file"), LibC.O_RDWR | LibC.O_CLOEXEC, 0);
    FuseRequest.Open open = saw(FuseRequest.Open.class);
    assertThat(open.flags() & LibC.O_ACCMODE).isEqualTo(LibC.O_RDWR);
    LibC.fdatasync(fd);
    assertThat(saw(FuseRequest.FSync.class).dataOnly()).isTrue();
    assertThat(LibC.lseek(fd, 4000, LibC.SEEK_DATA)).isEqualTo(4001);
    FuseRequest.LSeek seek = saw(FuseRequest.LSeek.class);
    assertThat(seek.whence()).isEqualTo(LibC.SEEK_DATA);
    LibC.fallocate(fd, LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE, 4096, 100);
    FuseRequest.Fallocate allocate = saw(FuseRequest.Fallocate.class);
    assertThat(allocate)
        .isEqualTo(
            new FuseRequest.Fallocate(
                file, allocate.caller(), seek.handle(), 4096, 100, allocate.mode()));
    assertThat(allocate.mode()).isEqualTo(3);
    LibC.close(fd);
    try (FileChannel from = FileChannel.open(mount.resolve("file"));
        FileChannel to = FileChannel.open(mount.resolve("other"), StandardOpenOption.WRITE)) {
      to.position(500);
      assertThat(from.transferTo(100, 9000, to)).isEqualTo(9000);
    }
    FuseRequest.CopyFileRange copy = saw(FuseRequest.CopyFileRange.class);
    assertThat(copy.nodeId()).isEqualTo(file);
    assertThat(copy.offsetBytes()).isEqualTo(100);
    assertThat(copy.targetOffsetBytes()).isEqualTo(500);
    assertThat(copy.lengthBytes()).isEqualTo(9000);
  }

  @Test
  void extended_attributes_are_set_and_removed() throws IOException {
    Xattrs.set(at("file"), "user.name", "value".getBytes(StandardCharsets.UTF_8), Xattrs.CREATE);
    FuseRequest.SetXattr set = saw(FuseRequest.SetXattr.class);
    assertThat(set.name()).isEqualTo("user.name");
    assertThat(set.flags()).isEqualTo(Xattrs.CREATE);
    attempt(() -> Xattrs.remove(at("file"), "user.gone"));
    assertThat(saw(FuseRequest.RemoveXattr.class).name()).isEqualTo("user.gone");
  }

  @Test
  void opcodes_we_do_not_speak_arrive_as_unknown() {
    attempt(() -> {
      int fd = LibC.open(at("file"), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
      try (Arena arena = Arena.ofConfined()) {
        LibC.ioctl(fd, 0x80045499L, arena.allocate(8));
      } finally {
        LibC.close(fd);
      }
    });
    assertThat(saw(FuseRequest.Unknown.class).opcode()).isEqualTo(39);
  }

  @Test
  void syncfs_decodes() {
    // The kernel sends it to virtiofs and fuseblk alone.
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment in = arena.allocate(64, 8);
      in.set(ValueLayout.JAVA_INT, 0, 48);
      in.set(ValueLayout.JAVA_INT, 4, FuseWire.SYNCFS);
      in.set(ValueLayout.JAVA_LONG, 16, 5);
      FuseRequest decoded = new RequestDecoder(in).decode();
      assertThat(decoded).isEqualTo(new FuseRequest.SyncFs(5, decoded.caller()));
    }
  }
}
