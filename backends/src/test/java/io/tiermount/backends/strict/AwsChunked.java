package io.tiermount.backends.strict;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The payload of a request: checks its hash, or takes the frames of {@code aws-chunked} apart and
 * checks the signature of each and of the trailer (S3 API reference, "Transferring Payload in
 * Multiple Chunks").
 */
final class AwsChunked {
  private static final String EMPTY = SigV4.sha256("");

  private final WireRequest request;
  private final SigV4.Seed seed;
  private final byte[] wire;
  private int at;
  private String previous;

  private AwsChunked(WireRequest request, SigV4.Seed seed) {
    this.request = request;
    this.seed = seed;
    this.wire = request.body();
    this.previous = seed.signature();
  }

  /** The request with its plain payload, checksums verified. */
  static WireRequest decode(WireRequest request, SigV4.Seed seed) throws S3Refusal {
    String declared = request.header("x-amz-content-sha256", "");
    Map<String, String> checksums = new TreeMap<>(request.headers());
    WireRequest plain =
        switch (declared) {
          case "" -> throw new S3Refusal(400, "InvalidRequest", "no x-amz-content-sha256");
          case "UNSIGNED-PAYLOAD" -> request;
          case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
              "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
              "STREAMING-UNSIGNED-PAYLOAD-TRAILER" ->
              request.withBody(
                  new AwsChunked(request, seed)
                      .frames(
                          declared.startsWith("STREAMING-AWS4"),
                          declared.endsWith("TRAILER"),
                          checksums));
          default -> {
            if (!declared.equals(SigV4.sha256(request.body()))) {
              throw new S3Refusal(
                  400, "XAmzContentSHA256Mismatch", "the payload is not what was signed");
            }
            yield request;
          }
        };
    PayloadChecksums.verify(plain.body(), checksums);
    return plain;
  }

  private byte[] frames(boolean signed, boolean trailer, Map<String, String> checksums)
      throws S3Refusal {
    ByteArrayOutputStream payload = new ByteArrayOutputStream();
    while (true) {
      String[] head = line().split(";chunk-signature=", 2);
      int size = Integer.parseInt(head[0], 16);
      if (at + size > wire.length) {
        throw new S3Refusal(400, "IncompleteBody", "a chunk is cut short");
      }
      byte[] data = Arrays.copyOfRange(wire, at, at + size);
      at += size;
      if (signed) {
        checkChunk(data, head.length == 2 ? head[1] : "");
      }
      if (size == 0) {
        break;
      }
      payload.writeBytes(data);
      String _ = line();
    }
    if (trailer) {
      trailer(signed, checksums);
    }
    String length = request.header("x-amz-decoded-content-length");
    if (length != null && Integer.parseInt(length) != payload.size()) {
      throw new S3Refusal(400, "IncompleteBody", "decoded length is " + payload.size());
    }
    return payload.toByteArray();
  }

  private void checkChunk(byte[] data, String signature) throws S3Refusal {
    String text =
        String.join(
            "\n",
            "AWS4-HMAC-SHA256-PAYLOAD",
            seed.time(),
            seed.scope(),
            previous,
            EMPTY,
            SigV4.sha256(data));
    check(text, signature, "a chunk");
  }

  private void trailer(boolean signed, Map<String, String> checksums) throws S3Refusal {
    StringBuilder canonical = new StringBuilder();
    String signature = "";
    for (String line = line(); !line.isEmpty(); line = line()) {
      String name = line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT);
      String value = line.substring(line.indexOf(':') + 1).strip();
      if (name.equals("x-amz-trailer-signature")) {
        signature = value;
      } else {
        canonical.append(name).append(':').append(value).append('\n');
        checksums.put(name, value);
      }
    }
    if (signed) {
      String text =
          String.join(
              "\n",
              "AWS4-HMAC-SHA256-TRAILER",
              seed.time(),
              seed.scope(),
              previous,
              SigV4.sha256(canonical.toString()));
      check(text, signature, "the trailer");
    }
    String announced = request.header("x-amz-trailer", "");
    if (!announced.isEmpty() && !checksums.containsKey(announced.toLowerCase(Locale.ROOT))) {
      throw new S3Refusal(400, "MalformedTrailerError", "the trailer " + announced + " is missing");
    }
  }

  private void check(String text, String signature, String what) throws S3Refusal {
    String expected = HexFormat.of().formatHex(SigV4.hmac(seed.key(), text));
    if (!expected.equals(signature)) {
      throw new S3Refusal(403, "SignatureDoesNotMatch", "the signature of " + what + " is wrong");
    }
    previous = expected;
  }

  /** The next line without its CRLF; "" at the end. */
  private String line() {
    int start = at;
    while (at < wire.length && wire[at] != '\n') {
      at++;
    }
    String line = new String(wire, start, at - start, StandardCharsets.US_ASCII);
    at = Math.min(wire.length, at + 1);
    return line.stripTrailing();
  }
}
