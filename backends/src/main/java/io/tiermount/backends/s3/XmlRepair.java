package io.tiermount.backends.s3;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.ListPartsRequest;

/**
 * Makes answers readable that repeat the key of an upload. A key may hold control characters, which
 * XML 1.0 can't carry even as references, so the SDK's parser refuses the whole answer and the
 * upload would be lost. Listings have an encoding for that; these answers have none, and their key
 * is not needed.
 */
final class XmlRepair implements ExecutionInterceptor {
  private static final int MAX_BYTES = 8 << 20;
  private static final Pattern REFERENCE = Pattern.compile("&#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});");
  private static final Pattern RAW =
      Pattern.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ufffe\\uffff]");

  @Override
  public Optional<InputStream> modifyHttpResponseContent(
      Context.ModifyHttpResponse context, ExecutionAttributes attributes) {
    boolean names =
        context.request() instanceof CreateMultipartUploadRequest
            || context.request() instanceof CompleteMultipartUploadRequest
            || context.request() instanceof ListPartsRequest;
    return names ? context.responseBody().map(XmlRepair::repair) : context.responseBody();
  }

  private static InputStream repair(InputStream body) {
    try (body) {
      String text = new String(body.readNBytes(MAX_BYTES), StandardCharsets.UTF_8);
      String referenced = REFERENCE.matcher(text).replaceAll(XmlRepair::legal);
      String clean = RAW.matcher(referenced).replaceAll("?");
      return new ByteArrayInputStream(clean.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String legal(MatchResult reference) {
    String number = reference.group(1);
    int code =
        number.startsWith("x")
            ? Integer.parseInt(number.substring(1), 16)
            : Integer.parseInt(number);
    boolean legal =
        code == 9
            || code == 10
            || code == 13
            || (code >= 0x20 && code <= 0xd7ff)
            || (code >= 0xe000 && code <= 0xfffd)
            || (code >= 0x10000 && code <= 0x10ffff);
    return legal ? reference.group() : "?";
  }
}
