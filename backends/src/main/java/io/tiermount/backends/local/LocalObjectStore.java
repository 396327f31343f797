package io.tiermount.backends.local;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.Keys;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.MetadataRules;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.StoreLimits;
import io.tiermount.backends.Upload;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import io.tiermount.backends.local.InternalFiles.Temporary;
import io.tiermount.backends.local.KeyPaths.Place;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A directory as a bucket: {@code file:///dir?as=bucket}. The plain file {@code dir/a/b.txt} is the
 * object {@code a/b.txt}, whoever put it there; {@link SegmentNames} says how keys are kept that no
 * file system takes as they are, {@link StoredAttributes} what a file shows as its metadata.
 *
 * <ul>
 *   <li>Directories are no objects, but an empty one that a person made is the object {@code dir/}
 *       of size 0. A directory that this store made for a key's sake goes with the last key below
 *       it; one that a person made stays (and then is {@code dir/}) until {@code dir/} is deleted.
 *   <li>A symlink is an object with {@code mode} S_IFLNK whose content is its target, as s3fs
 *       writes them; none is ever followed. Devices, sockets, FIFOs and names that are not UTF-8
 *       are not shown. A symlink that the mount makes is a plain file with that {@code mode}.
 *   <li>Versions are the file's identity, so that an edit by anybody is a new version; write
 *       conditions hold against all processes that use this class, not against other programs.
 *   <li>The directory is one file system; {@code .tiermount} in it is ours.
 * </ul>
 */
public final class LocalObjectStore implements ObjectStore {
  private static final long MAX_OBJECT_BYTES = 1L << 50;
  private static final int MAX_PARTS = 10_000;
  private static final int MAX_KEY_BYTES = 1024;
  private static final int MAX_METADATA_BYTES = 8192;

  private static final StoreLimits LIMITS =
      new StoreLimits(
          MAX_OBJECT_BYTES,
          1,
          MAX_OBJECT_BYTES,
          MAX_PARTS,
          MAX_OBJECT_BYTES,
          MAX_KEY_BYTES,
          MAX_METADATA_BYTES,
          true,
          true,
          true);

  private final String id;
  private final InternalFiles files;
  private final KeyPaths paths;
  private final ObjectFiles objects;
  private final ObjectWriter writer;
  private final LocalUploads uploads;
  private final SnapshotCache snapshots;
  private volatile boolean closed;

  private LocalObjectStore(Path directory, boolean sync, InstantSource clock, int window) {
    id = directory.toUri() + "?as=bucket";
    files = new InternalFiles(directory.toString());
    paths = new KeyPaths(files);
    AttributeFiles attributes = new AttributeFiles(files);
    objects = new ObjectFiles(attributes);
    KeyLocks locks = new KeyLocks(files);
    writer = new ObjectWriter(paths, locks, objects, attributes, clock, sync);
    uploads = new LocalUploads(files, writer);
    snapshots = new SnapshotCache(clock, window);
  }

  /**
   * Opens an existing directory.
   *
   * @param sync a write is on the device when it returns
   * @throws StoreException {@code NOT_FOUND} where there is no such directory
   */
  public static LocalObjectStore open(Path directory, boolean sync, InstantSource clock)
      throws StoreException {
    return open(directory, sync, clock, DirectorySnapshot.WINDOW);
  }

  /**
   * {@link #open(Path, boolean, InstantSource)} for tests.
   *
   * @param window entries of a directory that are held at once
   */
  static LocalObjectStore open(Path directory, boolean sync, InstantSource clock, int window)
      throws StoreException {
    LocalObjectStore store =
        new LocalObjectStore(directory.toAbsolutePath().normalize(), sync, clock, window);
    try (Descriptors descriptors = new Descriptors()) {
      store.paths.root(descriptors);
      store.files.removeStale(clock.millis() * 1_000_000L);
    } catch (IOException e) {
      throw LocalErrors.of("can't use the directory " + directory + " as a bucket", "", e);
    }
    return store;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public StoreLimits limits() {
    return LIMITS;
  }

  @Override
  public void close() {
    closed = true;
  }

  private void begin(String key) throws StoreException {
    if (closed) {
      throw new StoreException(Kind.CLOSED, key, "the store " + id + " was closed");
    }
    if (Thread.currentThread().isInterrupted()) {
      throw LocalErrors.interrupted(key, new InterruptedIOException("before the call"));
    }
  }

  private void beginKey(String key) throws StoreException {
    begin(key);
    Keys.check(key, LIMITS);
  }

  @Override
  public Optional<ObjectInfo> head(String key) throws StoreException {
    beginKey(key);
    try (Descriptors descriptors = new Descriptors()) {
      Place place = paths.locate(descriptors, key);
      return place == null ? Optional.empty() : Optional.of(objects.info(key, place));
    } catch (IOException e) {
      throw LocalErrors.of("can't look at", key, e);
    }
  }

  @Override
  public ObjectInfo read(
      String key, @Nullable Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException {
    beginKey(key);
    if (offsetBytes < 0 || lengthBytes < 0) {
      throw new IllegalArgumentException("negative range: " + offsetBytes + "+" + lengthBytes);
    }
    try (Descriptors descriptors = new Descriptors()) {
      Place place = require(descriptors, key);
      return objects.read(descriptors, key, place, version, offsetBytes, lengthBytes, target);
    } catch (IOException e) {
      throw LocalErrors.of("can't read", key, e);
    }
  }

  private Place require(Descriptors descriptors, String key) throws IOException {
    Place place = paths.locate(descriptors, key);
    if (place == null) {
      throw new StoreException(Kind.NOT_FOUND, key, "there is no object '" + key + "'");
    }
    return place;
  }

  @Override
  public ListPage list(ListRequest request) throws StoreException {
    begin(request.prefix());
    try {
      return new KeyListing(paths, objects, snapshots, request).page();
    } catch (IOException e) {
      throw LocalErrors.of("can't list", request.prefix(), e);
    }
  }

  @Override
  public ObjectInfo put(
      String key, ByteSource body, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException {
    beginKey(key);
    MetadataRules.check(key, attributes, LIMITS);
    requireSize(key, body.sizeBytes());
    return write(
        key,
        file -> {
          FileBytes.write(file.fd(), body);
          return attributes;
        },
        condition);
  }

  private static void requireSize(String key, long sizeBytes) throws StoreException {
    if (sizeBytes > MAX_OBJECT_BYTES) {
      throw new StoreException(
          Kind.TOO_LARGE, key, "'" + key + "' has " + sizeBytes + " bytes, 1 PiB is the limit");
    }
  }

  /** Fills a file and says what attributes it gets. */
  private interface Filling {
    ObjectAttributes fill(Temporary file) throws IOException;
  }

  private ObjectInfo write(String key, Filling filling, WriteCondition condition)
      throws StoreException {
    try (Descriptors descriptors = new Descriptors()) {
      Temporary file = files.temporary(descriptors);
      try {
        ObjectAttributes attributes = filling.fill(file);
        return writer.publish(key, file, attributes, "", condition);
      } finally {
        file.remove();
      }
    } catch (IOException e) {
      throw LocalErrors.of("can't write", key, e);
    } catch (InterruptedException e) {
      throw interrupted(key, e);
    }
  }

  private static StoreException interrupted(String key, InterruptedException e) {
    Thread.currentThread().interrupt();
    return LocalErrors.interrupted(key, e);
  }

  @Override
  public ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    beginKey(key);
    Keys.check(sourceKey, LIMITS);
    if (attributes != null) {
      MetadataRules.check(key, attributes, LIMITS);
    } else if (sourceKey.equals(key)) {
      throw new StoreException(
          Kind.INVALID, key, "copying '" + key + "' to itself with the same metadata does nothing");
    }
    return write(
        key,
        file -> {
          ObjectInfo source = fill(file, sourceKey, sourceVersion);
          return ObjectAttributes.ofCopy(source, attributes);
        },
        condition);
  }

  private ObjectInfo fill(Temporary file, String sourceKey, @Nullable Version version)
      throws IOException {
    try (Descriptors descriptors = new Descriptors()) {
      Place place = require(descriptors, sourceKey);
      if (place.stat().isRegular()) {
        ObjectFiles.Opened source = objects.open(descriptors, sourceKey, place, version);
        FileBytes.copy(source.fd(), file.fd(), source.stat().sizeBytes());
        ObjectFiles.requireUnchanged(sourceKey, source.fd(), source.stat());
        return source.info(sourceKey);
      }
      ByteBuffer content = ByteBuffer.allocate((int) Math.max(1, place.stat().sizeBytes()));
      ObjectInfo info =
          objects.read(descriptors, sourceKey, place, version, 0, content.capacity(), content::put);
      byte[] bytes = new byte[content.position()];
      content.get(0, bytes);
      FileBytes.write(file.fd(), bytes);
      return info;
    }
  }

  @Override
  public void delete(String key) throws StoreException {
    beginKey(key);
    try {
      writer.delete(key);
    } catch (IOException e) {
      throw LocalErrors.of("can't delete", key, e);
    } catch (InterruptedException e) {
      throw interrupted(key, e);
    }
  }

  @Override
  public Upload startUpload(String key, ObjectAttributes attributes) throws StoreException {
    beginKey(key);
    MetadataRules.check(key, attributes, LIMITS);
    try {
      return new LocalUpload(this, key, uploads.start(key, attributes));
    } catch (IOException e) {
      throw LocalErrors.of("can't begin an upload of", key, e);
    }
  }

  @Override
  public Upload resumeUpload(String key, String uploadId) throws StoreException {
    beginKey(key);
    return new LocalUpload(this, key, uploadId);
  }

  @Override
  public List<PendingUpload> pendingUploads(String prefix) throws StoreException {
    begin(prefix);
    try {
      return uploads.pending(prefix);
    } catch (IOException e) {
      throw LocalErrors.of("can't list the uploads of", prefix, e);
    }
  }

  void part(LocalUpload upload, int number, ByteSource body) throws StoreException {
    begin(upload.key());
    requireSize(upload.key(), body.sizeBytes());
    part(upload, number, fd -> FileBytes.write(fd, body));
  }

  private void part(LocalUpload upload, int number, LocalUploads.Filling filling)
      throws StoreException {
    if (number < 1 || number > MAX_PARTS) {
      throw new StoreException(
          Kind.INVALID, upload.key(), "parts have the numbers 1 to 10000, this is " + number);
    }
    try {
      uploads.part(upload.key(), upload.uploadId(), number, filling);
    } catch (IOException e) {
      throw LocalErrors.of("can't write part " + number + " of", upload.key(), e);
    }
  }

  void copyPart(
      LocalUpload upload,
      int number,
      String sourceKey,
      Version version,
      long offsetBytes,
      long lengthBytes)
      throws StoreException {
    begin(upload.key());
    Keys.check(sourceKey, LIMITS);
    part(
        upload,
        number,
        fd -> {
          try (Descriptors descriptors = new Descriptors()) {
            Place place = require(descriptors, sourceKey);
            objects.copy(descriptors, sourceKey, place, version, offsetBytes, lengthBytes, fd);
          }
        });
  }

  ObjectInfo complete(LocalUpload upload, WriteCondition condition) throws StoreException {
    begin(upload.key());
    try {
      return uploads.complete(upload.key(), upload.uploadId(), condition);
    } catch (IOException e) {
      throw LocalErrors.of("can't complete the upload of", upload.key(), e);
    } catch (InterruptedException e) {
      throw interrupted(upload.key(), e);
    }
  }

  void abort(LocalUpload upload) throws StoreException {
    begin(upload.key());
    try {
      uploads.abort(upload.uploadId());
    } catch (IOException e) {
      throw LocalErrors.of("can't abort the upload of", upload.key(), e);
    }
  }
}
