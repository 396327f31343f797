package io.tiermount.backends;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.StoreException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A bucket in memory, stricter than real ones: it refuses stale versions, metadata that a header
 * would change, wrong part sizes, gaps between parts, tokens of another listing, self-copies that
 * change nothing, and any use after close. Each call is one line in {@link #calls}.
 *
 * <p>Versions are S3's: the MD5 of the content, so the same bytes written twice are the same
 * version (with {@code uniqueVersions} each write is one of its own, as on GCS). Times are whole
 * seconds, as in S3's headers.
 */
public final class MemoryStore implements ObjectStore {
  private static final long MIB = 1L << 20;

  /** The limits of S3 itself. */
  public static final StoreLimits S3_LIMITS =
      new StoreLimits(5L << 30, 5 * MIB, 5L << 30, 10_000, 5L << 40, 1024, 2048, false, true, true);

  private record Stored(byte[] bytes, ObjectInfo info) {}

  private final StoreLimits limits;
  private final boolean uniqueVersions;
  private final InstantSource clock;
  private final CallLog calls = new CallLog();
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final NavigableMap<String, Stored> objects = new TreeMap<>(Keys.ORDER);

  @GuardedBy("lock")
  private final Map<String, MemoryUpload> uploads = new HashMap<>();

  @GuardedBy("lock")
  private long writes;

  private volatile boolean closed;

  public MemoryStore() {
    this(S3_LIMITS, false, InstantSource.system());
  }

  public MemoryStore(StoreLimits limits, boolean uniqueVersions, InstantSource clock) {
    this.limits = limits;
    this.uniqueVersions = uniqueVersions;
    this.clock = clock;
  }

  /** What was asked of this store. */
  public CallLog calls() {
    return calls;
  }

  @Override
  public String id() {
    return "memory://store";
  }

  @Override
  public StoreLimits limits() {
    return limits;
  }

  @Override
  public void close() {
    closed = true;
  }

  @Override
  public Optional<ObjectInfo> head(String key) throws StoreException {
    begin("HEAD " + key, key);
    Keys.check(key, limits);
    synchronized (lock) {
      return Optional.ofNullable(objects.get(key)).map(Stored::info);
    }
  }

  @Override
  public ObjectInfo read(
      String key, @Nullable Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException {
    begin("GET " + key + " " + offsetBytes + "+" + lengthBytes, key);
    Keys.check(key, limits);
    if (offsetBytes < 0 || lengthBytes < 0) {
      throw new IllegalArgumentException("negative range: " + offsetBytes + "+" + lengthBytes);
    }
    Stored stored = require(key, version);
    int size = stored.bytes.length;
    int from = (int) Math.min(offsetBytes, size);
    int count = (int) Math.min(lengthBytes, size - from);
    // In pieces, as a socket would deliver them.
    for (int done = 0; done < count; ) {
      int piece = Math.min(64 << 10, count - done);
      deliver(key, ByteBuffer.wrap(stored.bytes, from + done, piece).asReadOnlyBuffer(), target);
      done += piece;
    }
    return stored.info;
  }

  private static void deliver(String key, ByteBuffer bytes, ReadTarget target)
      throws StoreException {
    try {
      target.accept(bytes);
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw new StoreException(Kind.LOCAL_IO, key, "the reader of " + key + " failed", e);
    }
    if (bytes.hasRemaining()) {
      throw new IllegalStateException("the target left " + bytes.remaining() + " bytes");
    }
  }

  @Override
  public ListPage list(ListRequest request) throws StoreException {
    begin(CallLog.line(request), request.prefix());
    synchronized (lock) {
      return MemoryListing.page(
          objects, stored -> limits.listsMetadata() ? stored.info : plain(stored.info), request);
    }
  }

  private static ObjectInfo plain(ObjectInfo info) {
    return new ObjectInfo(
        info.key(), info.sizeBytes(), info.version(), info.lastModified(), null, null);
  }

  @Override
  public ObjectInfo put(
      String key, ByteSource body, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException {
    begin("PUT " + key + " " + body.sizeBytes() + CallLog.suffix(condition), key);
    Keys.check(key, limits);
    MetadataRules.check(key, attributes, limits);
    if (body.sizeBytes() > limits.maxPutBytes()) {
      throw new StoreException(Kind.TOO_LARGE, key, key + " is larger than one put takes");
    }
    byte[] bytes = readAll(key, body);
    return store(key, bytes, md5(bytes), attributes, condition);
  }

  static byte[] readAll(String key, ByteSource body) throws StoreException {
    byte[] bytes = new byte[Math.toIntExact(body.sizeBytes())];
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    try {
      while (buffer.hasRemaining()) {
        if (body.read(buffer.position(), buffer) <= 0) {
          throw new StoreException(
              Kind.LOCAL_IO, key, "the source of " + key + " ended before its size");
        }
      }
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw new StoreException(Kind.LOCAL_IO, key, "the source of " + key + " failed", e);
    }
    return bytes;
  }

  ObjectInfo store(
      String key, byte[] bytes, String tag, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException {
    synchronized (lock) {
      Stored before = objects.get(key);
      boolean holds =
          switch (condition) {
            case WriteCondition.Always _ -> true;
            case WriteCondition.IfAbsent _ -> before == null;
            case WriteCondition.IfVersion(Version version) ->
                before != null && before.info.version().equals(version);
          };
      if (!holds) {
        throw stale(key);
      }
      writes++;
      Instant now = clock.instant().truncatedTo(ChronoUnit.SECONDS);
      String type = Objects.requireNonNullElse(attributes.contentType(), "binary/octet-stream");
      Version version = new Version(uniqueVersions ? "g" + writes : tag);
      ObjectInfo info =
          new ObjectInfo(
              key,
              bytes.length,
              version,
              now,
              type,
              attributes.metadata(),
              attributes.headersWritten());
      objects.put(key, new Stored(bytes, info));
      return info;
    }
  }

  @Override
  public Upload startUpload(String key, ObjectAttributes attributes) throws StoreException {
    begin("UPLOAD " + key, key);
    requireMultipart(key);
    Keys.check(key, limits);
    MetadataRules.check(key, attributes, limits);
    synchronized (lock) {
      writes++;
      MemoryUpload upload = new MemoryUpload(this, key, "upload-" + writes, attributes);
      uploads.put(upload.uploadId(), upload);
      return upload;
    }
  }

  @Override
  public Upload resumeUpload(String key, String uploadId) throws StoreException {
    requireMultipart(key);
    synchronized (lock) {
      MemoryUpload known = uploads.get(uploadId);
      return known != null && known.key().equals(key)
          ? known
          : new MemoryUpload(this, key, uploadId, ObjectAttributes.NONE);
    }
  }

  private void requireMultipart(String key) throws StoreException {
    if (!limits.multipart()) {
      throw new StoreException(Kind.UNSUPPORTED, key, "this store makes no multipart uploads");
    }
  }

  @Override
  public List<PendingUpload> pendingUploads(String prefix) throws StoreException {
    begin("UPLOADS " + prefix, prefix);
    synchronized (lock) {
      return uploads.values().stream()
          .filter(upload -> upload.key().startsWith(prefix))
          .map(upload -> new PendingUpload(upload.key(), upload.uploadId()))
          .toList();
    }
  }

  boolean isPending(MemoryUpload upload) {
    synchronized (lock) {
      return uploads.get(upload.uploadId()) == upload;
    }
  }

  void forget(MemoryUpload upload) {
    synchronized (lock) {
      uploads.remove(upload.uploadId(), upload);
    }
  }

  @Override
  public ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    begin(
        "COPY "
            + sourceKey
            + " -> "
            + key
            + (attributes == null ? "" : " attributes")
            + CallLog.suffix(condition),
        key);
    Keys.check(key, limits);
    if (attributes != null) {
      MetadataRules.check(key, attributes, limits);
    } else if (sourceKey.equals(key)) {
      throw new StoreException(Kind.INVALID, key, "copying " + key + " to itself changes nothing");
    }
    Stored source = require(sourceKey, sourceVersion);
    return store(
        key,
        source.bytes,
        source.info.version().token(),
        ObjectAttributes.ofCopy(source.info, attributes),
        condition);
  }

  @Override
  public void delete(String key) throws StoreException {
    begin("DELETE " + key, key);
    Keys.check(key, limits);
    synchronized (lock) {
      objects.remove(key);
    }
  }

  /** All of this version, not to be changed. */
  byte[] content(String key, Version version) throws StoreException {
    Keys.check(key, limits);
    return require(key, version).bytes;
  }

  private Stored require(String key, @Nullable Version version) throws StoreException {
    Stored stored;
    synchronized (lock) {
      stored = objects.get(key);
    }
    if (stored == null) {
      throw new StoreException(Kind.NOT_FOUND, key, "there is no object " + key);
    }
    if (version != null && !stored.info.version().equals(version)) {
      throw stale(key);
    }
    return stored;
  }

  private static StoreException stale(String key) {
    return new StoreException(
        Kind.PRECONDITION_FAILED, key, key + " is another version now, or there already");
  }

  /** Notes the call and refuses it where the store is closed or the caller interrupted. */
  void begin(String line, String key) throws StoreException {
    calls.add(line);
    if (closed) {
      throw new StoreException(Kind.CLOSED, key, "the store was closed");
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new StoreException(Kind.INTERRUPTED, key, "interrupted before asking for " + key);
    }
  }

  static String md5(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
