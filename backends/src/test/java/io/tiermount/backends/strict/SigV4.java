package io.tiermount.backends.strict;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Verifies AWS Signature Version 4 (S3 API reference, "Authenticating Requests: Using the
 * Authorization Header" and "Signature Calculations for the Authorization Header"), and with it the
 * payload. Stricter than S3: every x-amz header and the host must be signed.
 */
record SigV4(StrictKeys keys, String region) {
  private static final Pattern AUTHORIZATION =
      Pattern.compile(
          "AWS4-HMAC-SHA256 Credential=([^/]+)/(\\d{8})/([^/]+)/s3/aws4_request, ?"
              + "SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})");
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
  private static final Duration SKEW = Duration.ofMinutes(15);

  /** What the signatures of chunks hang on. */
  record Seed(byte[] key, String scope, String time, String signature) {}

  /** Checks the request's signature; the payload's is up to {@link AwsChunked}. */
  Seed verify(WireRequest request) throws S3Refusal {
    String authorization = request.header("authorization");
    if (authorization == null) {
      throw new S3Refusal(403, "AccessDenied", "anonymous requests are refused");
    }
    Matcher parts = AUTHORIZATION.matcher(authorization);
    if (!parts.matches()) {
      throw new S3Refusal(400, "AuthorizationHeaderMalformed", "not SigV4: " + authorization);
    }
    StrictKeys.Known known = keys.check(parts.group(1), request.header("x-amz-security-token"));
    if (!parts.group(3).equals(region)) {
      throw new S3Refusal(
          400,
          "AuthorizationHeaderMalformed",
          "the region '" + parts.group(3) + "' is wrong; expecting '" + region + "'",
          "<Region>" + region + "</Region>");
    }
    String time = request.header("x-amz-date", "");
    checkTime(time, parts.group(2));
    List<String> signed = Arrays.asList(parts.group(4).split(";"));
    checkSigned(request, signed);
    String scope = parts.group(2) + "/" + region + "/s3/aws4_request";
    byte[] key = signingKey(known.secretKey(), parts.group(2));
    String text =
        "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256(canonical(request, signed));
    String expected = HexFormat.of().formatHex(hmac(key, text));
    if (!expected.equals(parts.group(5))) {
      throw new S3Refusal(
          403, "SignatureDoesNotMatch", "signed were " + signed); // no values: one is a token
    }
    return new Seed(key, scope, time, expected);
  }

  private static void checkTime(String time, String day) throws S3Refusal {
    Instant at;
    try {
      at = Instant.from(TIME.parse(time));
    } catch (DateTimeException e) {
      throw new S3Refusal(403, "AccessDenied", "no valid x-amz-date: " + time);
    }
    if (!time.startsWith(day) || Duration.between(at, Instant.now()).abs().compareTo(SKEW) > 0) {
      throw new S3Refusal(403, "RequestTimeTooSkewed", "the request is of " + time);
    }
  }

  private static void checkSigned(WireRequest request, List<String> signed) throws S3Refusal {
    for (String name : request.headers().keySet()) {
      boolean must = name.equals("host") || name.startsWith("x-amz-");
      if (must && !signed.contains(name)) {
        throw new S3Refusal(403, "AccessDenied", "header " + name + " is not signed");
      }
    }
  }

  private static String canonical(WireRequest request, List<String> signed) {
    String query =
        new TreeMap<>(request.query())
            .entrySet().stream()
                .map(entry ->
                    UrlText.encode(entry.getKey(), false)
                        + "="
                        + UrlText.encode(entry.getValue(), false))
                .sorted()
                .collect(Collectors.joining("&"));
    String headers =
        signed.stream()
            .map(name -> name + ":" + request.header(name, "").replaceAll(" +", " ") + "\n")
            .collect(Collectors.joining());
    return request.method()
        + "\n"
        + UrlText.encode(request.path(), true)
        + "\n"
        + query
        + "\n"
        + headers
        + "\n"
        + String.join(";", signed)
        + "\n"
        + request.header("x-amz-content-sha256", "");
  }

  private byte[] signingKey(String secretKey, String day) {
    byte[] key = ("AWS4" + secretKey).getBytes(StandardCharsets.UTF_8);
    for (String part : List.of(day, region, "s3", "aws4_request")) {
      key = hmac(key, part);
    }
    return key;
  }

  static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  static String sha256(String text) {
    return sha256(text.getBytes(StandardCharsets.UTF_8));
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The user metadata of a request, without its prefix. */
  static Map<String, String> metadata(WireRequest request) {
    return request.headers().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith("x-amz-meta-"))
        .collect(
            Collectors.toMap(
                entry -> entry.getKey().substring("x-amz-meta-".length()), Map.Entry::getValue));
  }
}
