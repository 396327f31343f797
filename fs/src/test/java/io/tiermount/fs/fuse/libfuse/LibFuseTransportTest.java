package io.tiermount.fs.fuse.libfuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.os.Xattrs;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseReply;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.KernelCache;
import io.tiermount.fs.fuse.NodeEntry;
import io.tiermount.fs.fuse.Replier;
import io.tiermount.fs.fuse.TransportContract;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** The contract through libfuse 2, and what its paths become. */
final class LibFuseTransportTest extends TransportContract {
  private final List<String> changes = Collections.synchronizedList(new ArrayList<>());

  @Override
  protected FuseTransport transport() {
    return new JnrFuseTransport(
        new LibFuseOptions(Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ZERO));
  }

  /** Notes what would change the tree, and says that it happened. */
  private boolean note(FuseRequest request, Replier replier) {
    String noted =
        switch (request) {
          case FuseRequest.MkDir r -> "mkdir " + r.name() + " " + Integer.toOctalString(r.mode());
          case FuseRequest.MkNod r -> "mknod " + r.name() + " " + Integer.toOctalString(r.mode());
          case FuseRequest.Symlink r -> "symlink " + r.name() + " -> " + r.target();
          case FuseRequest.Link r -> "link " + r.name() + " = " + r.target();
          case FuseRequest.Create r -> "create " + r.name() + " " + Integer.toOctalString(r.mode());
          case FuseRequest.Unlink r -> "unlink " + r.name();
          case FuseRequest.RmDir r -> "rmdir " + r.name();
          case FuseRequest.Rename r ->
              "rename " + r.nodeId() + "/" + r.name() + " " + r.newParent() + "/" + r.newName();
          case FuseRequest.SetAttr r -> setattr(r);
          case FuseRequest.SetXattr r ->
              "setxattr " + r.name() + " " + r.value().get(ValueLayout.JAVA_BYTE, 0);
          case FuseRequest.RemoveXattr r -> "removexattr " + r.name();
          case FuseRequest.Fallocate r -> "fallocate " + r.offsetBytes() + "+" + r.lengthBytes();
          case FuseRequest.FSync r -> "fsync " + r.dataOnly();
          default -> "";
        };
    if (noted.isEmpty()) {
      return false;
    }
    changes.add(noted);
    replier.reply(answer(request));
    return true;
  }

  private static String setattr(FuseRequest.SetAttr r) {
    return "setattr %x size=%d mode=%o uid=%d gid=%d atime=%d mtime=%d"
        .formatted(
            r.valid(), r.sizeBytes(), r.mode(), r.uid(), r.gid(), r.atimeNanos(), r.mtimeNanos());
  }

  /** What is made is always one of three nodes, of the type that the kernel expects. */
  private FuseReply answer(FuseRequest request) {
    String made =
        switch (request) {
          case FuseRequest.MkDir _ -> "madedir";
          case FuseRequest.Symlink _ -> "madelink";
          default -> "made";
        };
    Attributes attributes = node(made).attributes();
    NodeEntry entry = new NodeEntry(attributes.ino(), 0, 60_000_000_000L, 1, attributes);
    return switch (request) {
      case FuseRequest.MkDir _, FuseRequest.MkNod _, FuseRequest.Symlink _, FuseRequest.Link _ ->
          new FuseReply.Entry(entry);
      case FuseRequest.Create _ ->
          new FuseReply.Created(entry, new FuseReply.OpenFile(99, 0, null));
      case FuseRequest.SetAttr _ -> new FuseReply.Attr(attributes, 1);
      default -> FuseReply.DONE;
    };
  }

  @Test
  void changes_arrive_as_typed_requests_on_nodes() throws Exception {
    tree.file("made", random(10));
    tree.directory("madedir");
    tree.symlink("madelink", "some where");
    tree.file("dir/file", random(10));
    tree.hook(this::note);
    transport.start(options(), tree);
    Path file = mount.resolve("dir/file");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Files.setAttribute(file, "unix:uid", 7);
    Files.setLastModifiedTime(file, FileTime.fromMillis(1500));
    assertThat(run("truncate", "-s", "5", at("dir/file")).waitFor()).isZero();
    Xattrs.set(at("dir/file"), "user.a", new byte[] {42}, 0);
    Xattrs.remove(at("dir/file"), "user.a");
    assertThat(run("sh", "-c", "umask 0; mkdir " + at("dir/new")).waitFor()).isZero();
    Files.createSymbolicLink(mount.resolve("dir/sym"), Path.of("some where"));
    Files.createLink(mount.resolve("dir/hard"), file);
    Files.move(file, mount.resolve("moved"));
    Files.delete(mount.resolve("made"));
    Files.delete(mount.resolve("madedir"));
    long directory = node("dir").id();
    assertThat(changes)
        .containsSubsequence(
            "mkdir new 777",
            "symlink sym -> some where",
            "link hard = " + node("dir/file").id(),
            "rename " + directory + "/file 1/moved",
            "unlink made",
            "rmdir madedir")
        .contains("setxattr user.a 42", "removexattr user.a")
        .anyMatch(change -> change.startsWith("setattr 1 ") && change.contains("mode=100600"))
        .anyMatch(change -> change.startsWith("setattr 2 ") && change.contains("uid=7"))
        .anyMatch(change -> change.endsWith("mtime=1500000000"))
        .anyMatch(change -> change.contains(" size=5 "));
  }

  @Test
  void a_created_file_is_written_and_synced_through_its_handle() throws IOException {
    tree.file("made", random(10));
    tree.hook(this::note);
    transport.start(options(), tree);
    int flags = LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL | LibC.O_CLOEXEC;
    int fd = LibC.open(at("fresh"), flags, 0640);
    LibC.fallocate(fd, 0, 3, 4);
    LibC.ftruncate(fd, 2);
    LibC.fdatasync(fd);
    LibC.fsync(fd);
    LibC.close(fd);
    assertThat(changes)
        .contains("create fresh 100640", "fallocate 3+4", "fsync true", "fsync false")
        .anyMatch(change -> change.startsWith("setattr 48 size=2 "));
  }

  @Test
  void an_interrupted_caller_is_told_to_the_handler() throws Exception {
    tree.file("file", random(10));
    CountDownLatch waiting = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    tree.hook((request, replier) -> {
      if (!(request instanceof FuseRequest.Open)) {
        return false;
      }
      replier.onInterrupt(() -> {
        told.countDown();
        replier.fail(Errno.EINTR);
      });
      waiting.countDown();
      return true;
    });
    transport.start(options(), tree);
    Process cat = run("cat", at("file"));
    waiting.await();
    cat.destroy();
    told.await();
    assertThat(cat.waitFor()).isNotZero();
  }

  @Test
  void every_lookup_is_given_back_by_the_end() throws Exception {
    for (int i = 0; i < 200; i++) {
      tree.file("d" + i % 7 + "/f" + i, random(1));
    }
    transport.start(options(), tree);
    assertThat(run("sh", "-c", "cat " + mount + "/d*/*").waitFor()).isZero();
    assertThat(tree.lookupCount()).isPositive();
    transport.close();
    assertThat(tree.lookupCount()).isZero();
  }

  @Test
  void passthrough_is_off_with_the_reason() throws Exception {
    KernelCache kernel = transport.start(options(), tree);
    assertThat(kernel.passthrough()).isFalse();
    assertThat(kernel.passthroughOff()).contains("libfuse 2", "fuse.transport = dev");
    assertThatThrownBy(() -> kernel.openBacking(0)).isInstanceOf(IOException.class);
    kernel.invalidateInode(77, 0, -1);
    kernel.invalidateEntry(77, "unknown");
  }
}
