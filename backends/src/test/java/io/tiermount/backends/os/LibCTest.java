package io.tiermount.backends.os;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibCTest {
  @TempDir Path dir;

  @Test
  void a_file_is_written_read_and_shortened() throws IOException {
    int fd = create("file");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment hello = bytes(arena, "hello");
      assertThat(LibC.write(fd, hello)).isEqualTo(5);
      assertThat(LibC.pwrite(fd, hello, 3)).isEqualTo(5);
      MemorySegment iovec = arena.allocate(32, 8);
      for (int i = 0; i < 2; i++) {
        iovec.set(ValueLayout.JAVA_LONG, i * 16L, hello.address() + i);
        iovec.set(ValueLayout.JAVA_LONG, i * 16L + 8, 2);
      }
      assertThat(LibC.lseek(fd, 0, LibC.SEEK_SET)).isZero();
      assertThat(LibC.writev(fd, iovec.address(), 2)).isEqualTo(4);
      LibC.ftruncate(fd, 7);
      LibC.fdatasync(fd);
      LibC.fsync(fd);
      MemorySegment buffer = arena.allocate(16);
      assertThat(LibC.pread(fd, buffer, 0)).isEqualTo(7);
      assertThat(
              new String(
                  buffer.asSlice(0, 7).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8))
          .isEqualTo("heelell");
      assertThat(LibC.read(fd, buffer)).isEqualTo(3);
      assertThat(LibC.read(fd, buffer)).isZero();
    } finally {
      LibC.close(fd);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(1);
      assertThat(LibC.read(fd + 1000, buffer)).isEqualTo(-Errno.EBADF);
      assertThat(LibC.pwrite(fd + 1000, buffer, 0)).isEqualTo(-Errno.EBADF);
    }
  }

  @Test
  void an_error_names_the_call_the_path_and_the_errno() {
    Path missing = dir.resolve("missing");
    assertThatThrownBy(() -> LibC.open(missing.toString(), LibC.O_RDONLY, 0))
        .isInstanceOfSatisfying(
            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
        .hasMessage("open(" + missing + "): ENOENT (No such file or directory)");
    assertThat(Errno.name(Errno.EOPNOTSUPP)).isEqualTo("EOPNOTSUPP");
    assertThat(Errno.name(4711)).isEqualTo("errno 4711");
  }

  @Test
  void attributes_agree_with_the_jdk() throws IOException {
    Path file = dir.resolve("file");
    Files.writeString(file, "12345");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    Files.createSymbolicLink(dir.resolve("link"), file);
    FileStat stat = LibC.stat(dir.resolve("link").toString());
    assertThat(stat.isRegular()).isTrue();
    assertThat(stat.mode()).isEqualTo(0100640);
    assertThat(stat.sizeBytes()).isEqualTo(5);
    assertThat(stat.blocks()).isEqualTo(8);
    assertThat(stat.nlink()).isEqualTo(1);
    assertThat(stat.ino()).isEqualTo(Files.getAttribute(file, "unix:ino"));
    assertThat(stat.mtimeNanos())
        .isEqualTo(Files.getLastModifiedTime(file).to(TimeUnit.NANOSECONDS));
    assertThat(stat.uid()).isEqualTo(LibC.getuid());
    assertThat(LibC.lstat(dir.resolve("link").toString()).mode() & 0170000).isEqualTo(0120000);
    assertThat(LibC.stat(dir.toString()).isDirectory()).isTrue();
    assertThat(LibC.stat(dir.toString()).dev()).isEqualTo(stat.dev());
    FsStat fs = LibC.statfs(dir.toString());
    assertThat(fs.blocks()).isPositive().isGreaterThanOrEqualTo(fs.freeBlocks());
    assertThat(fs.maxName()).isEqualTo(255);
    assertThat(fs.blocks() * fs.blockSizeBytes())
        .isEqualTo(Files.getFileStore(dir).getTotalSpace());
  }

  @Test
  void a_punched_hole_gives_its_blocks_back() throws IOException {
    int fd = create("sparse");
    try (Arena arena = Arena.ofConfined()) {
      assertThat(LibC.pwrite(fd, arena.allocate(1 << 20), 0)).isEqualTo(1 << 20);
      LibC.fsync(fd);
      long before = LibC.fstat(fd).blocks();
      LibC.fallocate(fd, LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE, 0, 512 << 10);
      assertThat(LibC.fstat(fd).sizeBytes()).isEqualTo(1 << 20);
      assertThat(LibC.fstat(fd).blocks()).isLessThan(before);
      assertThat(LibC.lseek(fd, 0, LibC.SEEK_DATA)).isEqualTo(512 << 10);
      LibC.posixFadvise(fd, 0, 0, LibC.POSIX_FADV_DONTNEED);
      LibC.syncFileRange(fd, 0, 4096, LibC.SYNC_FILE_RANGE_WRITE);
      assertThatThrownBy(() -> LibC.posixFadvise(fd, 0, 0, 99)).isInstanceOf(ErrnoException.class);
    } finally {
      LibC.close(fd);
    }
  }

  @Test
  void a_write_lease_is_refused_while_another_holds_the_file() throws IOException {
    int fd = create("leased");
    int other = LibC.open(dir.resolve("leased").toString(), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
    assertThatThrownBy(() -> LibC.fcntl(fd, LibC.F_SETLEASE, LibC.F_WRLCK))
        .isInstanceOfSatisfying(
            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EAGAIN));
    LibC.close(other);
    LibC.fcntl(fd, LibC.F_SETLEASE, LibC.F_WRLCK);
    assertThat(LibC.fcntl(fd, LibC.F_GETLEASE, 0)).isEqualTo(LibC.F_WRLCK);
    LibC.fcntl(fd, LibC.F_SETLEASE, LibC.F_UNLCK);
    LibC.flock(fd, LibC.LOCK_EX | LibC.LOCK_NB);
    LibC.close(fd);
  }

  @Test
  void names_change_with_and_without_conditions() throws IOException {
    LibC.close(create("a"));
    LibC.close(create("b"));
    String a = dir.resolve("a").toString();
    String b = dir.resolve("b").toString();
    assertThatThrownBy(() -> LibC.renameat2(a, b, LibC.RENAME_NOREPLACE))
        .isInstanceOfSatisfying(
            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
    LibC.rename(a, b);
    LibC.link(b, a);
    assertThat(LibC.stat(a).nlink()).isEqualTo(2);
    LibC.unlink(a);
    assertThat(dir.resolve("a")).doesNotExist();
    String odd = dir + "/" + PathBytes.decode(new byte[] {'x', (byte) 0xFF});
    LibC.rename(b, odd);
    assertThat(LibC.stat(odd).nlink()).isEqualTo(1);
    LibC.unlink(odd);
  }

  @Test
  void extended_attributes_of_any_size_come_back() throws IOException {
    int fd = create("x");
    String path = dir.resolve("x").toString();
    byte[] big = new byte[2000];
    big[1999] = 7;
    Xattrs.set(path, "user.big", big, Xattrs.CREATE);
    Xattrs.set(fd, "user.empty", new byte[0], 0);
    assertThat(Xattrs.get(path, "user.big")).isEqualTo(big);
    assertThat(Xattrs.get(fd, "user.empty")).isEmpty();
    assertThat(Xattrs.list(path)).containsExactlyInAnyOrder("user.big", "user.empty");
    Xattrs.remove(fd, "user.big");
    Xattrs.remove(path, "user.empty");
    assertThat(Xattrs.list(fd)).isEmpty();
    assertThatThrownBy(() -> Xattrs.get(path, "user.big"))
        .isInstanceOfSatisfying(
            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENODATA));
    LibC.close(fd);
  }

  @Test
  void a_mapping_shows_the_file_and_its_checksum() throws IOException {
    byte[] content = "123456789".getBytes(StandardCharsets.US_ASCII);
    Path file = dir.resolve("mapped");
    Files.write(file, content);
    int fd = LibC.open(file.toString(), LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
    long address = LibC.mmap(fd, 0, 9, LibC.PROT_READ, LibC.MAP_SHARED);
    // Restricted: an address from mmap needs its size said.
    @SuppressWarnings("restricted")
    MemorySegment mapped = MemorySegment.ofAddress(address).reinterpret(9);
    // The check value of CRC-32C in every catalogue of CRCs.
    assertThat(Crc32c.of(mapped)).isEqualTo(0xE3069283);
    assertThat(Crc32c.of(content, 0, 9)).isEqualTo(0xE3069283);
    CRC32C part = new CRC32C();
    part.update(content, 2, 3);
    assertThat(Crc32c.of(mapped, 2, 3)).isEqualTo((int) part.getValue());
    LibC.munmap(address, 9);
    assertThat(LibC.poll(fd, LibC.POLLIN, 1000)).isEqualTo(LibC.POLLIN);
    LibC.close(fd);
  }

  private int create(String name) throws IOException {
    return LibC.open(
        dir.resolve(name).toString(), LibC.O_RDWR | LibC.O_CREAT | LibC.O_CLOEXEC, 0644);
  }

  private static MemorySegment bytes(Arena arena, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return arena.allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
  }
}
