package io.tiermount.backends.s3;

import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ReadTarget;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Version;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.RequestPayer;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * One ranged read over any number of tries: each asks for what is still missing, pinned to the
 * version of the first answer, so that no byte is delivered twice and no two versions mix.
 *
 * <p>Where the answer carries a checksum of its whole body and is small, it is checked before
 * anything is delivered and a bad one is fetched again; a larger one is checked at its end, and a
 * bad one ends the read with CORRUPT after the bytes were delivered.
 */
final class S3Read {
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-(\\d+)/(\\d+)");
  private static final int BUFFER_BYTES = 128 << 10;
  private static final int HELD_BYTES = 1 << 20;

  private final String bucket;
  private final @Nullable RequestPayer payer;
  private final String key;
  private final long endBytes;
  private final ReadTarget target;
  private @Nullable Version pinned;
  private long position;
  private @Nullable ObjectInfo info;

  S3Read(
      String bucket,
      @Nullable RequestPayer payer,
      String key,
      @Nullable Version version,
      long offsetBytes,
      long lengthBytes,
      ReadTarget target) {
    this.bucket = bucket;
    this.payer = payer;
    this.key = key;
    this.pinned = version;
    this.position = offsetBytes;
    this.endBytes =
        lengthBytes > Long.MAX_VALUE - offsetBytes ? Long.MAX_VALUE : offsetBytes + lengthBytes;
    this.target = target;
  }

  @Nullable Version pinned() {
    return pinned;
  }

  /**
   * One try.
   *
   * @return null where the range is at or behind the end (HTTP 416), whose answer tells no object
   */
  @Nullable ObjectInfo attempt(S3Client client, S3Call call) throws IOException {
    GetObjectRequest.Builder request =
        GetObjectRequest.builder()
            .bucket(bucket)
            .key(key)
            .checksumMode(ChecksumMode.ENABLED)
            .requestPayer(payer);
    // All of it: without Range stores send their checksum of the whole object along.
    if (position > 0 || endBytes < Long.MAX_VALUE) {
      request.range("bytes=" + position + "-" + (endBytes - 1));
    }
    if (pinned != null) {
      request.ifMatch(S3Answers.etag(pinned));
    }
    try (ResponseInputStream<GetObjectResponse> body = client.getObject(request.build())) {
      boolean whole = false;
      try {
        call.progress();
        receive(body, call);
        whole = true;
      } finally {
        if (!whole) {
          body.abort(); // else close reads the rest of the body
        }
      }
    } catch (S3Exception e) {
      if (e.statusCode() == 416) {
        return info; // null at first; a resumed read that shrank is caught by If-Match
      }
      throw e;
    }
    return info;
  }

  private void receive(ResponseInputStream<GetObjectResponse> body, S3Call call)
      throws IOException {
    GetObjectResponse answer = body.response();
    long length = answer.contentLength() == null ? 0 : answer.contentLength();
    long bodyStart = 0;
    long size = length;
    if (answer.contentRange() != null) {
      Matcher range = CONTENT_RANGE.matcher(answer.contentRange());
      if (!range.matches()) {
        throw new IOException("the store answered an odd range: " + answer.contentRange());
      }
      bodyStart = Long.parseLong(range.group(1));
      size = Long.parseLong(range.group(3));
    }
    ObjectInfo seen = S3Answers.get(key, answer, size);
    if (bodyStart > position || (pinned != null && !seen.version().equals(pinned))) {
      throw new StoreException(
          Kind.PRECONDITION_FAILED,
          key,
          key + " is version " + seen.version() + " now, not " + pinned + ": open it again");
    }
    info = seen;
    pinned = seen.version();
    long bodyEnd = bodyStart + length;
    skip(body, position - bodyStart, call);
    boolean holdBack = hasChecksum(answer) && bodyEnd - position <= HELD_BYTES;
    if (holdBack) {
      deliverWhole(body, call, (int) Math.max(0, bodyEnd - position));
    } else {
      deliver(body, call, Math.min(bodyEnd, endBytes), bodyEnd);
    }
  }

  /** A store that ignores Range sends the object from its start. */
  private static void skip(ResponseInputStream<?> body, long count, S3Call call)
      throws IOException {
    byte[] waste = new byte[(int) Math.min(count, BUFFER_BYTES)];
    long left = count;
    while (left > 0) {
      int got = body.read(waste, 0, (int) Math.min(left, waste.length));
      if (got < 0) {
        return; // the object ends before the range
      }
      left -= got;
      call.progress();
    }
  }

  private void deliver(ResponseInputStream<?> body, S3Call call, long end, long bodyEnd)
      throws IOException {
    byte[] buffer = new byte[Math.clamp(end - position, 1, BUFFER_BYTES)];
    while (position < end) {
      int got = body.read(buffer, 0, (int) Math.min(buffer.length, end - position));
      if (got < 0) {
        throw new EOFException("the body of " + key + " ended at " + position);
      }
      hand(ByteBuffer.wrap(buffer, 0, got), call);
    }
    if (end == bodyEnd) {
      checkEnd(body);
    }
  }

  private void deliverWhole(ResponseInputStream<?> body, S3Call call, int length)
      throws IOException {
    byte[] bytes = new byte[length];
    int at = 0;
    while (at < length) {
      int got = body.read(bytes, at, length - at);
      if (got < 0) {
        throw new EOFException("the body of " + key + " ended at " + (position + at));
      }
      at += got;
      call.progress();
    }
    try {
      checkEnd(body);
    } catch (StoreException e) {
      throw new S3CorruptBodyException(e); // nothing was delivered yet: fetch it again
    }
    int wanted = (int) Math.min(length, endBytes - position);
    if (wanted > 0) {
      hand(ByteBuffer.wrap(bytes, 0, wanted), call);
    }
  }

  /** Reading the end is what makes the SDK compare checksums. */
  private void checkEnd(ResponseInputStream<?> body) throws IOException {
    try {
      if (body.read() >= 0) {
        throw new IOException("the store sent more of " + key + " than it said");
      }
    } catch (SdkClientException e) {
      throw new StoreException(
          Kind.CORRUPT,
          key,
          "the bytes of " + key + " don't match the store's checksum: check network and store",
          e);
    }
  }

  private void hand(ByteBuffer bytes, S3Call call) throws IOException {
    int count = bytes.remaining();
    position += count;
    call.advance();
    call.rest();
    try {
      target.accept(bytes);
    } catch (StoreException e) {
      throw e;
    } catch (IOException e) {
      throw new StoreException(Kind.LOCAL_IO, key, "the reader of " + key + " failed", e);
    }
    call.resume();
  }

  private static boolean hasChecksum(GetObjectResponse answer) {
    return answer.checksumCRC32() != null
        || answer.checksumCRC32C() != null
        || answer.checksumCRC64NVME() != null
        || answer.checksumSHA1() != null
        || answer.checksumSHA256() != null;
  }
}
