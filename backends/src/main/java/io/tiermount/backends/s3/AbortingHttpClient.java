package io.tiermount.backends.s3;

import java.io.FilterInputStream;
import java.io.IOException;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;

/**
 * Breaks the connection when a body is closed before its end. The SDK closes the body of a call
 * that was interrupted, having cleared the interrupt; Apache's close then reads the rest, and would
 * wait for it as long as the store stalls.
 */
final class AbortingHttpClient implements SdkHttpClient {
  private final SdkHttpClient client;

  AbortingHttpClient(SdkHttpClient client) {
    this.client = client;
  }

  @Override
  public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
    ExecutableHttpRequest prepared = client.prepareRequest(request);
    return new ExecutableHttpRequest() {
      @Override
      public HttpExecuteResponse call() throws IOException {
        return wrap(prepared.call());
      }

      @Override
      public void abort() {
        prepared.abort();
      }
    };
  }

  private static HttpExecuteResponse wrap(HttpExecuteResponse answer) {
    AbortableInputStream body = answer.responseBody().orElse(null);
    String length = answer.httpResponse().firstMatchingHeader("Content-Length").orElse(null);
    if (body == null || length == null) {
      return answer; // chunked answers are small documents here
    }
    Body guarded = new Body(body, Long.parseLong(length));
    return HttpExecuteResponse.builder()
        .response(answer.httpResponse())
        .responseBody(AbortableInputStream.create(guarded, body))
        .build();
  }

  @Override
  public String clientName() {
    return client.clientName();
  }

  @Override
  public void close() {
    client.close();
  }

  private static final class Body extends FilterInputStream {
    private final AbortableInputStream body;
    private long left;

    Body(AbortableInputStream body, long left) {
      super(body);
      this.body = body;
      this.left = left;
    }

    @Override
    public int read() throws IOException {
      int next = in.read();
      left = next < 0 ? 0 : left - 1;
      return next;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int got = in.read(bytes, offset, length);
      left = got < 0 ? 0 : left - got;
      return got;
    }

    @Override
    public long skip(long count) throws IOException {
      long skipped = in.skip(count);
      left -= skipped;
      return skipped;
    }

    @Override
    public boolean markSupported() {
      return false;
    }

    @Override
    public void close() throws IOException {
      if (left > 0) {
        body.abort();
      } else {
        in.close();
      }
    }
  }
}
