package io.tiermount.backends.local;

import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.os.Xattrs;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Keeps {@link StoredAttributes} in the extended attribute {@code user.tiermount.object} of the
 * file, or, where the file system takes none or not so large a one, in a sidecar {@code
 * .tiermount/meta/HASH-INODE-MTIME}. A sidecar follows neither a rename nor an edit of the file by
 * others: then the file shows what the disk says.
 */
final class AttributeFiles {
  private static final String ATTRIBUTE = "user.tiermount.object";
  private static final byte[] SEE_SIDECAR = "sidecar".getBytes(StandardCharsets.US_ASCII);
  private static final int MAX_SIDECAR_BYTES = 64 << 10;
  private static final int PRIVATE_FILE = 0600;
  private static final int HASH_CHARS = 32;

  private final InternalFiles files;

  AttributeFiles(InternalFiles files) {
    this.files = files;
  }

  /** Of a regular file; null where nobody wrote it through this store. */
  @Nullable StoredAttributes read(String key, int directory, String name, FileStat stat)
      throws ErrnoException {
    return read(key, stat, () -> DirectoryCalls.xattr(directory, name, ATTRIBUTE));
  }

  /** {@link #read(String, int, String, FileStat)} of an open file. */
  @Nullable StoredAttributes read(String key, int fd, FileStat stat) throws ErrnoException {
    return read(key, stat, () -> Xattrs.get(fd, ATTRIBUTE));
  }

  private interface Attribute {
    byte[] get() throws ErrnoException;
  }

  private @Nullable StoredAttributes read(String key, FileStat stat, Attribute attribute)
      throws ErrnoException {
    byte[] value;
    try {
      value = attribute.get();
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EOPNOTSUPP) {
        value = SEE_SIDECAR;
      } else if (e.errno() == Errno.ENODATA
          || e.errno() == Errno.ERANGE
          || Descriptors.isAbsent(e)) {
        return null;
      } else {
        throw e;
      }
    }
    if (Arrays.equals(value, SEE_SIDECAR)) {
      value = readSidecar(key, stat);
    }
    return value == null ? null : StoredAttributes.decode(value);
  }

  /** To a file that is still being made; its inode and its mtime change no more. */
  void write(String key, int fd, StoredAttributes attributes) throws IOException {
    byte[] value = attributes.encode();
    try {
      Xattrs.set(fd, ATTRIBUTE, value, 0);
      return;
    } catch (ErrnoException e) {
      int errno = e.errno();
      if (errno != Errno.EOPNOTSUPP
          && errno != Errno.E2BIG
          && errno != Errno.ENOSPC
          && errno != Errno.ERANGE) {
        throw e;
      }
    }
    try (Descriptors descriptors = new Descriptors()) {
      int sidecars = files.sidecars(descriptors);
      int flags = LibC.O_WRONLY | LibC.O_CREAT | LibC.O_TRUNC;
      int sidecar =
          descriptors.open(sidecars, sidecarName(key, LibC.fstat(fd)), flags, PRIVATE_FILE);
      FileBytes.write(sidecar, value);
      Xattrs.set(fd, ATTRIBUTE, SEE_SIDECAR, 0);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.EOPNOTSUPP) {
        throw e;
      }
    }
  }

  /** Drops the sidecar, if there is one, of a file that is gone or replaced. */
  void remove(String key, FileStat stat) throws ErrnoException {
    try (Descriptors descriptors = new Descriptors()) {
      Integer sidecars = files.existing(descriptors, "meta");
      if (sidecars != null) {
        DirectoryCalls.unlink(sidecars, sidecarName(key, stat));
      }
    } catch (ErrnoException e) {
      if (!Descriptors.isAbsent(e)) {
        throw e;
      }
    }
  }

  private byte @Nullable [] readSidecar(String key, FileStat stat) throws ErrnoException {
    try (Descriptors descriptors = new Descriptors();
        Arena arena = Arena.ofConfined()) {
      Integer sidecars = files.existing(descriptors, "meta");
      if (sidecars == null) {
        return null;
      }
      int fd = descriptors.open(sidecars, sidecarName(key, stat), LibC.O_RDONLY, 0);
      MemorySegment buffer = arena.allocate(MAX_SIDECAR_BYTES);
      long length = LibC.pread(fd, buffer, 0);
      return length < 0 ? null : buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    } catch (ErrnoException e) {
      if (Descriptors.isAbsent(e)) {
        return null;
      }
      throw e;
    }
  }

  private static String sidecarName(String key, FileStat stat) {
    return hash(key)
        + "-"
        + Long.toHexString(stat.ino())
        + "-"
        + Long.toHexString(stat.mtimeNanos());
  }

  /** A name of fixed length for a key. */
  static String hash(String key) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest).substring(0, HASH_CHARS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
