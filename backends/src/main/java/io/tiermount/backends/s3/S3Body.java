package io.tiermount.backends.s3;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.sync.RequestBody;

/**
 * A source as a request's body. The SDK opens it twice over http (signature, then transfer) and
 * wraps what goes wrong; {@link #failure} keeps the source's own error.
 */
final class S3Body {
  private final String key;
  private final ByteSource source;
  private final S3Call call;
  private volatile @Nullable StoreException failure;

  S3Body(String key, ByteSource source, S3Call call) {
    this.key = key;
    this.source = source;
    this.call = call;
  }

  RequestBody request(@Nullable String contentType) {
    return RequestBody.fromContentProvider(
        Stream::new,
        source.sizeBytes(),
        Objects.requireNonNullElse(contentType, "binary/octet-stream"));
  }

  /** Throws the source's error, if that is what failed the request. */
  void check() throws StoreException {
    StoreException own = failure;
    if (own != null) {
      throw own;
    }
  }

  private final class Stream extends InputStream {
    private long position;
    private long mark;

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      long left = source.sizeBytes() - position;
      if (left <= 0) {
        return -1;
      }
      int wanted = (int) Math.min(left, length);
      int got;
      call.rest();
      try {
        got = source.read(position, ByteBuffer.wrap(bytes, offset, wanted));
      } catch (IOException e) {
        throw fail(e);
      }
      call.resume();
      if (got <= 0 && wanted > 0) {
        throw fail(new IOException("it ended at " + position + " of " + source.sizeBytes()));
      }
      position += got;
      return got;
    }

    private StoreException fail(IOException e) {
      StoreException own =
          e instanceof StoreException store
              ? store
              : new StoreException(
                  Kind.LOCAL_IO, key, "the source of " + key + " can't be read: " + e, e);
      failure = own;
      return own;
    }

    @Override
    public boolean markSupported() {
      return true;
    }

    @Override
    public synchronized void mark(int limit) {
      mark = position;
    }

    @Override
    public synchronized void reset() {
      position = mark;
    }
  }
}
