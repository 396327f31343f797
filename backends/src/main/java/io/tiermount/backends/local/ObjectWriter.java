package io.tiermount.backends.local;

import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.local.InternalFiles.Temporary;
import io.tiermount.backends.local.KeyPaths.Directory;
import io.tiermount.backends.local.KeyPaths.Place;
import io.tiermount.backends.local.KeyPaths.Target;
import io.tiermount.backends.os.DirectoryCalls;
import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Puts whole files into place and takes them away. A file is finished under {@code .tiermount/tmp}
 * and then renamed, so that nobody sees half of one. Any thread.
 */
final class ObjectWriter {
  private static final int PERMISSIONS = 0777;
  private static final int DEFAULT_MODE = 0644;
  // Each round loses a race against somebody who made or removed the same names meanwhile.
  private static final int MAX_ROUNDS = 100;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final KeyPaths paths;
  private final KeyLocks locks;
  private final ObjectFiles objects;
  private final AttributeFiles attributeFiles;
  private final InstantSource clock;
  private final boolean sync;
  private final boolean root = LibC.getuid() == 0;
  private final AtomicLong lastNanos = new AtomicLong();

  ObjectWriter(
      KeyPaths paths,
      KeyLocks locks,
      ObjectFiles objects,
      AttributeFiles attributeFiles,
      InstantSource clock,
      boolean sync) {
    this.paths = paths;
    this.locks = locks;
    this.objects = objects;
    this.attributeFiles = attributeFiles;
    this.clock = clock;
    this.sync = sync;
  }

  /**
   * Makes a written file the object, where the condition holds.
   *
   * @param uploadId the upload that made it, "" for none
   */
  ObjectInfo publish(
      String key,
      Temporary file,
      ObjectAttributes attributes,
      String uploadId,
      WriteCondition condition)
      throws IOException, InterruptedException {
    applyToDisk(file.fd(), attributes);
    StoredAttributes stored = StoredAttributes.of(attributes, uploadId, LibC.fstat(file.fd()));
    attributeFiles.write(key, file.fd(), stored);
    if (sync) {
      LibC.fsync(file.fd());
    }
    boolean placed = false;
    try (KeyLocks.Held _ = locks.take(key)) {
      for (int round = 0; !placed && round < MAX_ROUNDS; round++) {
        placed = place(key, file, condition);
      }
      if (!placed) {
        throw new StoreException(
            Kind.UNAVAILABLE, key, "others keep changing the directories of '" + key + "'");
      }
      return ObjectFiles.info(key, LibC.fstat(file.fd()), stored);
    } finally {
      if (!placed) {
        attributeFiles.remove(key, LibC.fstat(file.fd()));
      }
    }
  }

  /**
   * Permissions and owner as the metadata says, for whoever looks at the directory; never set-id
   * bits. The time is that of the write and no other file's, which makes versions differ also where
   * an inode's number is used again at once.
   */
  private void applyToDisk(int fd, ObjectAttributes attributes) throws ErrnoException {
    Long uid = number(attributes, "uid");
    Long gid = number(attributes, "gid");
    if (root && (uid != null || gid != null)) {
      DirectoryCalls.fchown(
          fd, uid == null ? -1 : uid.intValue(), gid == null ? -1 : gid.intValue());
    }
    Long mode = number(attributes, "mode");
    DirectoryCalls.fchmod(fd, mode == null ? DEFAULT_MODE : mode.intValue() & PERMISSIONS);
    Instant now = clock.instant();
    long nowNanos = now.getEpochSecond() * NANOS_PER_SECOND + now.getNano();
    DirectoryCalls.setModified(
        fd, lastNanos.accumulateAndGet(nowNanos, (last, next) -> Math.max(last + 1, next)));
  }

  private static @Nullable Long number(ObjectAttributes attributes, String name) {
    String value = attributes.metadata().get(name);
    try {
      return value == null ? null : Long.valueOf(value);
    } catch (NumberFormatException e) {
      return null; // kept as it is for whoever wrote it, but says nothing to the disk
    }
  }

  /** One try; false where somebody else was in the way. */
  private boolean place(String key, Temporary file, WriteCondition condition) throws IOException {
    try (Descriptors descriptors = new Descriptors()) {
      Place existing = paths.locate(descriptors, key);
      require(key, existing, condition);
      if (existing != null && !existing.isEmptyDirectory()) {
        int directory = existing.directory().fd();
        DirectoryCalls.rename(file.directory(), file.name(), directory, existing.name(), 0);
        syncDirectory(descriptors, existing.directory(), false);
        attributeFiles.remove(key, existing.stat());
      } else {
        Target target = paths.target(descriptors, key);
        InternalFiles.renameToFree(
            file.directory(), file.name(), target.directory().fd(), target.name());
        syncDirectory(descriptors, target.directory(), true);
      }
      return true;
    } catch (ErrnoException e) {
      int errno = e.errno();
      if (errno == Errno.ENOENT
          || errno == Errno.EEXIST
          || errno == Errno.EISDIR
          || errno == Errno.ENOTDIR) {
        requireRoot();
        return false;
      }
      throw e;
    }
  }

  /** Tells a vanished directory in the bucket from a vanished bucket. */
  private void requireRoot() throws ErrnoException {
    try (Descriptors descriptors = new Descriptors()) {
      paths.root(descriptors);
    }
  }

  private static void require(String key, @Nullable Place existing, WriteCondition condition)
      throws StoreException {
    boolean holds =
        switch (condition) {
          case WriteCondition.Always _ -> true;
          case WriteCondition.IfAbsent _ -> existing == null;
          case WriteCondition.IfVersion(var version) ->
              existing != null && version.equals(ObjectFiles.version(existing.stat()));
        };
    if (!holds) {
      throw new StoreException(
          Kind.PRECONDITION_FAILED,
          key,
          existing == null
              ? "'" + key + "' is gone: somebody deleted it"
              : "'" + key + "' is another version than expected: somebody else wrote it");
    }
  }

  private void syncDirectory(Descriptors descriptors, Directory directory, boolean above)
      throws ErrnoException {
    if (!sync) {
      return;
    }
    for (Directory at = directory; at != null; at = above ? at.parent() : null) {
      LibC.fsync(descriptors.readable(at.fd()));
    }
  }

  /** Deletes an object, and the directories that existed only for its sake. */
  void delete(String key) throws IOException, InterruptedException {
    boolean marker = key.endsWith("/");
    try (KeyLocks.Held _ = locks.take(key)) {
      while (true) {
        try (Descriptors descriptors = new Descriptors()) {
          Place place = paths.locate(descriptors, key);
          if (place == null) {
            return;
          }
          if (place.isEmptyDirectory()) {
            KeyPaths.prune(place.directory(), true);
            return;
          }
          DirectoryCalls.unlink(place.directory().fd(), place.name());
          attributeFiles.remove(key, place.stat());
          syncDirectory(descriptors, place.directory(), false);
          // Without its marker an empty directory that a person made would still be one.
          KeyPaths.prune(place.directory(), marker);
        } catch (ErrnoException e) {
          if (!Descriptors.isAbsent(e)) {
            throw e;
          }
          requireRoot();
        }
      }
    }
  }

  /** What the upload made, where the object is still its work; null otherwise. */
  @Nullable ObjectInfo madeBy(String key, String uploadId) throws ErrnoException {
    try (Descriptors descriptors = new Descriptors()) {
      Place place = paths.locate(descriptors, key);
      StoredAttributes stored = place == null ? null : objects.stored(key, place);
      return place != null && stored != null && stored.uploadId().equals(uploadId)
          ? ObjectFiles.info(key, place.stat(), stored)
          : null;
    }
  }
}
