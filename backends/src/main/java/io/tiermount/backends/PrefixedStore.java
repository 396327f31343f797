package io.tiermount.backends;

import io.tiermount.backends.StoreException.Kind;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The part of a store below a prefix, as a store of its own: keys go in and come out relative to
 * it. This is the wall of a scope on the store's side. Every request names a key or a listing below
 * the prefix, and a key that would climb out of it where a gateway resolves {@code ..} is refused
 * with INVALID before anything is sent.
 *
 * <p>Closing it closes the store under it.
 */
public final class PrefixedStore implements ObjectStore {
  private final ObjectStore store;
  private final String prefix;
  private final StoreLimits limits;

  /**
   * Wraps {@code store}.
   *
   * @param prefix ends with a slash; its segments are neither empty, {@code .} nor {@code ..}
   */
  public PrefixedStore(ObjectStore store, String prefix) {
    if (!isPlain(prefix)) {
      throw new IllegalArgumentException(
          "a prefix is plain segments, each with its slash, not '" + prefix + "'");
    }
    this.store = store;
    this.prefix = prefix;
    this.limits = shorter(store.limits(), Keys.utf8Bytes(prefix));
  }

  private static boolean isPlain(String prefix) {
    if (!prefix.endsWith("/")) {
      return false;
    }
    for (String segment : prefix.substring(0, prefix.length() - 1).split("/", -1)) {
      if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
        return false;
      }
    }
    return true;
  }

  private static StoreLimits shorter(StoreLimits all, int bytes) {
    return new StoreLimits(
        all.maxPutBytes(),
        all.minPartBytes(),
        all.maxPartBytes(),
        all.maxParts(),
        all.maxObjectBytes(),
        all.maxKeyBytes() - bytes,
        all.maxMetadataBytes(),
        all.listsMetadata(),
        all.conditionalWrites(),
        all.multipart());
  }

  @Override
  public void changeCredentials(Credentials credentials) {
    store.changeCredentials(credentials);
  }

  @Override
  public void begin() {
    store.begin();
  }

  @Override
  public @Nullable String trouble() {
    return store.trouble();
  }

  @Override
  public String id() {
    return store.id() + "/" + prefix;
  }

  @Override
  public StoreLimits limits() {
    return limits;
  }

  @Override
  public void close() {
    store.close();
  }

  private String inside(String key) throws StoreException {
    Keys.check(key, limits);
    checkStays(key);
    return prefix + key;
  }

  /** A depth below zero at any segment is outside. */
  private void checkStays(String key) throws StoreException {
    int depth = 0;
    for (String segment : key.split("/", -1)) {
      if (segment.equals("..")) {
        depth--;
      } else if (!segment.isEmpty() && !segment.equals(".")) {
        depth++;
      }
      if (depth < 0) {
        throw new StoreException(
            Kind.INVALID, key, "the key " + key + " would leave " + id() + ": rename it");
      }
    }
  }

  private String relative(String key) throws StoreException {
    if (!key.startsWith(prefix)) {
      throw new StoreException(
          Kind.CORRUPT, key, store.id() + " answered with " + key + ", asked below " + prefix);
    }
    return key.substring(prefix.length());
  }

  private ObjectInfo relative(ObjectInfo info) throws StoreException {
    return info.withKey(relative(info.key()));
  }

  /** The same failure under the key that the caller knows. */
  private StoreException relative(StoreException e) {
    return e.key().startsWith(prefix)
        ? new StoreException(e.kind(), e.key().substring(prefix.length()), text(e), e)
        : e;
  }

  private static String text(StoreException e) {
    return e.getMessage() == null ? e.kind().toString() : e.getMessage();
  }

  @FunctionalInterface
  private interface Call<T> {
    T run() throws StoreException;
  }

  private <T> T call(Call<T> call) throws StoreException {
    try {
      return call.run();
    } catch (StoreException e) {
      throw relative(e);
    }
  }

  @Override
  public Optional<ObjectInfo> head(String key) throws StoreException {
    String inside = inside(key);
    Optional<ObjectInfo> found = call(() -> store.head(inside));
    return found.isPresent() ? Optional.of(relative(found.get())) : found;
  }

  @Override
  public ObjectInfo read(
      String key, @Nullable Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException {
    String inside = inside(key);
    return relative(call(() -> store.read(inside, version, offsetBytes, lengthBytes, target)));
  }

  @Override
  public ListPage list(ListRequest request) throws StoreException {
    checkStays(request.prefix());
    String after = request.startAfter();
    ListRequest inside =
        new ListRequest(
            prefix + request.prefix(),
            request.delimiter(),
            request.token(),
            after == null ? null : prefix + after,
            request.maxKeys());
    ListPage page = call(() -> store.list(inside));
    ObjectInfo[] objects = page.objects().toArray(ObjectInfo[]::new);
    for (int i = 0; i < objects.length; i++) {
      objects[i] = relative(objects[i]);
    }
    String[] prefixes = page.commonPrefixes().toArray(String[]::new);
    for (int i = 0; i < prefixes.length; i++) {
      prefixes[i] = relative(prefixes[i]);
    }
    return new ListPage(withoutMarker(objects), List.of(prefixes), page.nextToken());
  }

  /** The marker object of the prefix itself is this store's root: it has no key here. */
  private static List<ObjectInfo> withoutMarker(ObjectInfo[] objects) {
    boolean marker = objects.length > 0 && objects[0].key().isEmpty();
    List<ObjectInfo> all = List.of(objects);
    return marker ? all.subList(1, all.size()) : all;
  }

  @Override
  public ObjectInfo put(
      String key, ByteSource body, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException {
    String inside = inside(key);
    return relative(call(() -> store.put(inside, body, attributes, condition)));
  }

  @Override
  public Upload startUpload(String key, ObjectAttributes attributes) throws StoreException {
    String inside = inside(key);
    return new Inside(call(() -> store.startUpload(inside, attributes)));
  }

  @Override
  public Upload resumeUpload(String key, String uploadId) throws StoreException {
    String inside = inside(key);
    return new Inside(call(() -> store.resumeUpload(inside, uploadId)));
  }

  @Override
  public List<PendingUpload> pendingUploads(String below) throws StoreException {
    checkStays(below);
    PendingUpload[] pending =
        call(() -> store.pendingUploads(prefix + below)).toArray(PendingUpload[]::new);
    for (int i = 0; i < pending.length; i++) {
      pending[i] = new PendingUpload(relative(pending[i].key()), pending[i].uploadId());
    }
    return List.of(pending);
  }

  @Override
  public ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    String source = inside(sourceKey);
    String target = inside(key);
    return relative(call(() -> store.copy(source, sourceVersion, target, attributes, condition)));
  }

  @Override
  public void delete(String key) throws StoreException {
    String inside = inside(key);
    boolean _ =
        call(() -> {
          store.delete(inside);
          return true;
        });
  }

  private final class Inside implements Upload {
    private final Upload upload;

    Inside(Upload upload) {
      this.upload = upload;
    }

    @Override
    public String uploadId() {
      return upload.uploadId();
    }

    @Override
    public void part(int number, ByteSource body) throws StoreException {
      try {
        upload.part(number, body);
      } catch (StoreException e) {
        throw relative(e);
      }
    }

    @Override
    public void copyPart(
        int number, String sourceKey, Version sourceVersion, long offsetBytes, long lengthBytes)
        throws StoreException {
      String source = inside(sourceKey);
      try {
        upload.copyPart(number, source, sourceVersion, offsetBytes, lengthBytes);
      } catch (StoreException e) {
        throw relative(e);
      }
    }

    @Override
    public ObjectInfo complete(WriteCondition condition) throws StoreException {
      return relative(call(() -> upload.complete(condition)));
    }

    @Override
    public void abort() throws StoreException {
      try {
        upload.abort();
      } catch (StoreException e) {
        throw relative(e);
      }
    }
  }
}
