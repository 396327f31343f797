package io.tiermount.backends;

import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Shows another store under a prefix and stands where a bucket stands: whatever asks it for
 * anything outside of the prefix is refused as a bucket's policy would refuse it, and is noted. So
 * a suite that mounts through it shows that no request leaves the prefix of a mount. Any thread.
 */
public final class WalledStore implements ObjectStore {
  private final ObjectStore store;
  private final String prefix;
  private final Queue<String> outside = new ConcurrentLinkedQueue<>();

  /**
   * @param prefix ends with a slash; not part of the keys of {@code store}
   */
  public WalledStore(ObjectStore store, String prefix) {
    this.store = store;
    this.prefix = prefix;
  }

  /** Everything that was asked for outside. */
  public List<String> outside() {
    return List.copyOf(outside);
  }

  private String below(String what, String key) throws StoreException {
    if (!key.startsWith(prefix)) {
      outside.add(what + " " + key);
      throw new StoreException(
          StoreException.Kind.ACCESS_DENIED, key, what + " of " + key + ": not yours");
    }
    return key.substring(prefix.length());
  }

  private ObjectInfo above(ObjectInfo info) {
    return info.withKey(prefix + info.key());
  }

  @Override
  public String id() {
    return store.id();
  }

  /** Keys of the store are as long as they were: its tests know its limit. */
  @Override
  public StoreLimits limits() {
    StoreLimits all = store.limits();
    return new StoreLimits(
        all.maxPutBytes(),
        all.minPartBytes(),
        all.maxPartBytes(),
        all.maxParts(),
        all.maxObjectBytes(),
        all.maxKeyBytes() + Keys.utf8Bytes(prefix),
        all.maxMetadataBytes(),
        all.listsMetadata(),
        all.conditionalWrites(),
        all.multipart());
  }

  @Override
  public void close() {
    store.close();
  }

  @Override
  public Optional<ObjectInfo> head(String key) throws StoreException {
    return store.head(below("HEAD", key)).map(this::above);
  }

  @Override
  public ObjectInfo read(
      String key, @Nullable Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException {
    return above(store.read(below("GET", key), version, offsetBytes, lengthBytes, target));
  }

  @Override
  public ListPage list(ListRequest request) throws StoreException {
    String after = request.startAfter();
    ListPage page =
        store.list(
            new ListRequest(
                below("LIST", request.prefix()),
                request.delimiter(),
                request.token(),
                after == null ? null : below("LIST after", after),
                request.maxKeys()));
    return new ListPage(
        page.objects().stream().map(this::above).toList(),
        page.commonPrefixes().stream().map(common -> prefix + common).toList(),
        page.nextToken());
  }

  @Override
  public ObjectInfo put(
      String key, ByteSource body, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException {
    return above(store.put(below("PUT", key), body, attributes, condition));
  }

  @Override
  public Upload startUpload(String key, ObjectAttributes attributes) throws StoreException {
    return new Walled(store.startUpload(below("UPLOAD", key), attributes));
  }

  @Override
  public Upload resumeUpload(String key, String uploadId) throws StoreException {
    return new Walled(store.resumeUpload(below("UPLOAD", key), uploadId));
  }

  @Override
  public List<PendingUpload> pendingUploads(String keyPrefix) throws StoreException {
    return store.pendingUploads(below("UPLOADS", keyPrefix)).stream()
        .map(pending -> new PendingUpload(prefix + pending.key(), pending.uploadId()))
        .toList();
  }

  @Override
  public ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    return above(
        store.copy(
            below("COPY from", sourceKey),
            sourceVersion,
            below("COPY to", key),
            attributes,
            condition));
  }

  @Override
  public void delete(String key) throws StoreException {
    store.delete(below("DELETE", key));
  }

  private final class Walled implements Upload {
    private final Upload upload;

    Walled(Upload upload) {
      this.upload = upload;
    }

    @Override
    public String uploadId() {
      return upload.uploadId();
    }

    @Override
    public void part(int number, ByteSource body) throws StoreException {
      upload.part(number, body);
    }

    @Override
    public void copyPart(
        int number, String sourceKey, Version sourceVersion, long offsetBytes, long lengthBytes)
        throws StoreException {
      upload.copyPart(
          number, below("COPYPART from", sourceKey), sourceVersion, offsetBytes, lengthBytes);
    }

    @Override
    public ObjectInfo complete(WriteCondition condition) throws StoreException {
      return above(upload.complete(condition));
    }

    @Override
    public void abort() throws StoreException {
      upload.abort();
    }
  }
}
