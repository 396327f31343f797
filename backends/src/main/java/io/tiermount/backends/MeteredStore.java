package io.tiermount.backends;

import io.tiermount.backends.StoreMeter.Operation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Counts what is asked of a store, how long it takes and how it ends, for metrics and status. */
public final class MeteredStore implements ObjectStore {
  private final ObjectStore store;
  private final StoreMeter meter;

  public MeteredStore(ObjectStore store, InstantSource clock) {
    this.store = store;
    this.meter = new StoreMeter(clock);
  }

  public StoreMeter meter() {
    return meter;
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
    return store.id();
  }

  @Override
  public StoreLimits limits() {
    return store.limits();
  }

  @Override
  public void close() {
    store.close();
  }

  @FunctionalInterface
  private interface Call<T> {
    T run() throws StoreException;
  }

  private <T> T timed(Operation operation, long bytes, Call<T> call) throws StoreException {
    long started = System.nanoTime();
    try {
      T result = call.run();
      meter.succeeded(operation, System.nanoTime() - started, bytes);
      return result;
    } catch (StoreException e) {
      failed(operation, started, e);
      throw e;
    }
  }

  /** Where the call was not made, for lack of keys, it says nothing about the store. */
  private void failed(Operation operation, long started, StoreException e) {
    boolean asked = store.trouble() == null;
    meter.failed(operation, System.nanoTime() - started, e, asked);
  }

  @Override
  public Optional<ObjectInfo> head(String key) throws StoreException {
    return timed(Operation.HEAD, 0, () -> store.head(key));
  }

  @Override
  public ObjectInfo read(
      String key, @Nullable Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException {
    long started = System.nanoTime();
    long[] bytes = new long[1];
    try {
      ObjectInfo info =
          store.read(
              key,
              version,
              offsetBytes,
              lengthBytes,
              piece -> {
                bytes[0] += piece.remaining();
                meter.moved(piece.remaining());
                target.accept(piece);
              });
      meter.succeeded(Operation.READ, System.nanoTime() - started, bytes[0]);
      return info;
    } catch (StoreException e) {
      failed(Operation.READ, started, e);
      throw e;
    }
  }

  @Override
  public ListPage list(ListRequest request) throws StoreException {
    return timed(Operation.LIST, 0, () -> store.list(request));
  }

  @Override
  public ObjectInfo put(
      String key, ByteSource body, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException {
    return timed(
        Operation.PUT,
        body.sizeBytes(),
        () -> store.put(key, new Counted(body, meter), attributes, condition));
  }

  @Override
  public Upload startUpload(String key, ObjectAttributes attributes) throws StoreException {
    return new Metered(timed(Operation.START_UPLOAD, 0, () -> store.startUpload(key, attributes)));
  }

  @Override
  public Upload resumeUpload(String key, String uploadId) throws StoreException {
    return new Metered(store.resumeUpload(key, uploadId));
  }

  @Override
  public List<PendingUpload> pendingUploads(String prefix) throws StoreException {
    return timed(Operation.PENDING_UPLOADS, 0, () -> store.pendingUploads(prefix));
  }

  @Override
  public ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException {
    return timed(
        Operation.COPY, 0, () -> store.copy(sourceKey, sourceVersion, key, attributes, condition));
  }

  @Override
  public void delete(String key) throws StoreException {
    boolean _ =
        timed(
            Operation.DELETE,
            0,
            () -> {
              store.delete(key);
              return true;
            });
  }

  /** Tells of every byte on its way. */
  private record Counted(ByteSource body, StoreMeter meter) implements ByteSource {
    @Override
    public long sizeBytes() {
      return body.sizeBytes();
    }

    @Override
    public int read(long offsetBytes, ByteBuffer target) throws IOException {
      int count = body.read(offsetBytes, target);
      meter.moved(count);
      return count;
    }
  }

  private final class Metered implements Upload {
    private final Upload upload;

    Metered(Upload upload) {
      this.upload = upload;
    }

    @Override
    public String uploadId() {
      return upload.uploadId();
    }

    @Override
    public void part(int number, ByteSource body) throws StoreException {
      boolean _ =
          timed(
              Operation.PART,
              body.sizeBytes(),
              () -> {
                upload.part(number, new Counted(body, meter));
                return true;
              });
    }

    @Override
    public void copyPart(
        int number, String sourceKey, Version sourceVersion, long offsetBytes, long lengthBytes)
        throws StoreException {
      boolean _ =
          timed(
              Operation.COPY_PART,
              0,
              () -> {
                upload.copyPart(number, sourceKey, sourceVersion, offsetBytes, lengthBytes);
                return true;
              });
    }

    @Override
    public ObjectInfo complete(WriteCondition condition) throws StoreException {
      return timed(Operation.COMPLETE, 0, () -> upload.complete(condition));
    }

    @Override
    public void abort() throws StoreException {
      boolean _ =
          timed(
              Operation.ABORT,
              0,
              () -> {
                upload.abort();
                return true;
              });
    }
  }
}
