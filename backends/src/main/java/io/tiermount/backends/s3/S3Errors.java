package io.tiermount.backends.s3;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.s3.keys.S3CredentialsException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;

/**
 * The one table from what S3 and the SDK report to {@link Kind}, with what to do about it. Source
 * of the codes: S3 API reference, "List of error codes".
 */
final class S3Errors {
  private static final Pattern REGION = Pattern.compile("<Region>([a-z0-9-]+)</Region>");

  /** What an answer says about the keys that the request was signed with. */
  enum KeyDoubt {
    /** Nothing. */
    NONE,
    /** Perhaps that they don't hold: a HEAD's refusal has no body that would tell. */
    POSSIBLE,
    /** That the store does not accept them. */
    CERTAIN
  }

  /**
   * One failed try.
   *
   * @param retry another try may help
   * @param doubt whether other keys may help
   */
  record Failure(
      Kind kind,
      String key,
      String message,
      boolean retry,
      KeyDoubt doubt,
      @Nullable Throwable cause) {
    Failure(Kind kind, String key, String message, boolean retry, @Nullable Throwable cause) {
      this(kind, key, message, retry, KeyDoubt.NONE, cause);
    }

    StoreException exception(int tries) {
      String text = tries > 1 ? message + " (tried " + tries + " times)" : message;
      return new StoreException(kind, key, text, cause);
    }
  }

  private static final String NO_CODE = "no code";

  private final String storeName;
  private final String bucket;

  S3Errors(String storeName, String bucket) {
    this.storeName = storeName;
    this.bucket = bucket;
  }

  String storeName() {
    return storeName;
  }

  Failure stalled(String what, String key, Duration deadline, Throwable cause) {
    return new Failure(
        Kind.TIMEOUT,
        key,
        what
            + " "
            + key
            + ": "
            + storeName
            + " made no progress (deadline "
            + deadline.toMillis()
            + " ms): see whether the store and the network are up",
        true,
        cause);
  }

  Failure failure(String what, String key, Exception e) {
    AwsServiceException answer = find(e, AwsServiceException.class);
    if (answer != null) {
      return answered(what, key, answer);
    }
    if (e instanceof S3CorruptBodyException) {
      return new Failure(Kind.CORRUPT, key, text(what, key, e.getMessage()), true, e);
    }
    S3CredentialsException credentials = find(e, S3CredentialsException.class);
    if (credentials != null) {
      // The store can't be asked, as where it can't be reached; keys may come.
      return new Failure(
          Kind.UNAVAILABLE,
          key,
          text(what, key, "no keys to sign with: " + credentials.getMessage()),
          true,
          e);
    }
    return unanswered(what, key, e);
  }

  private Failure answered(String what, String key, AwsServiceException e) {
    String code = code(e);
    int status = e.statusCode();
    Kind kind = kind(status, code);
    String region = region(e);
    if (region != null && (status == 301 || status == 307 || status == 400)) {
      return new Failure(
          Kind.INVALID,
          key,
          text(
              what,
              key,
              "bucket " + bucket + " is in region " + region + ": set region = " + region),
          false,
          e);
    }
    boolean retry =
        switch (kind) {
          case THROTTLED, UNAVAILABLE, TIMEOUT, CORRUPT -> status != 507;
          case PRECONDITION_FAILED -> code.equals("ConditionalRequestConflict");
          case ACCESS_DENIED,
              KEYS_REFUSED,
              NOT_FOUND,
              TOO_LARGE,
              UNSUPPORTED,
              INVALID,
              INTERRUPTED,
              CLOSED,
              LOCAL_IO ->
              false;
        };
    String said = code + " (HTTP " + status + requestId(e) + "), " + advice(kind, code, status);
    return new Failure(kind, key, text(what, key, said), retry, doubt(kind, code, status), e);
  }

  private static KeyDoubt doubt(Kind kind, String code, int status) {
    if (kind == Kind.KEYS_REFUSED) {
      return KeyDoubt.CERTAIN;
    }
    boolean mute = code.equals(NO_CODE) && (status == 400 || status == 401 || status == 403);
    return mute ? KeyDoubt.POSSIBLE : KeyDoubt.NONE;
  }

  private static Kind kind(int status, String code) {
    return switch (code) {
      case "SlowDown",
          "Throttling",
          "ThrottlingException",
          "TooManyRequests",
          "TooManyRequestsException",
          "RequestLimitExceeded",
          "BandwidthLimitExceeded" ->
          Kind.THROTTLED;
      case "RequestTimeout" -> Kind.TIMEOUT;
      case "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch" -> Kind.CORRUPT;
      case "EntityTooLarge", "MaxMessageLengthExceeded" -> Kind.TOO_LARGE;
      case "NotImplemented", "MethodNotAllowed" -> Kind.UNSUPPORTED;
      case "ConditionalRequestConflict", "PreconditionFailed" -> Kind.PRECONDITION_FAILED;
      case "ExpiredToken",
          "InvalidToken",
          "TokenRefreshRequired",
          "RequestExpired",
          "InvalidAccessKeyId",
          "SignatureDoesNotMatch" ->
          Kind.KEYS_REFUSED;
      default -> kind(status);
    };
  }

  private static Kind kind(int status) {
    return switch (status) {
      case 401, 403 -> Kind.ACCESS_DENIED;
      case 404, 410 -> Kind.NOT_FOUND;
      case 405, 501 -> Kind.UNSUPPORTED;
      case 408 -> Kind.TIMEOUT;
      case 409 -> Kind.UNAVAILABLE; // OperationAborted: a conflicting operation is under way
      case 412 -> Kind.PRECONDITION_FAILED;
      case 413 -> Kind.TOO_LARGE;
      case 429 -> Kind.THROTTLED;
      default -> status >= 500 ? Kind.UNAVAILABLE : Kind.INVALID;
    };
  }

  private String advice(Kind kind, String code, int status) {
    return switch (kind) {
      case NOT_FOUND ->
          code.equals("NoSuchBucket")
              ? "there is no bucket " + bucket + ": check its name and endpoint"
              : "it is not there (any more)";
      case ACCESS_DENIED, KEYS_REFUSED -> denied(code);
      case PRECONDITION_FAILED -> "the object is another version now";
      case THROTTLED -> "the store asks to slow down: lower the load or raise its limits";
      case UNAVAILABLE ->
          status == 507
              ? "the store is full: free space there"
              : "the store has a fault of its own";
      case TIMEOUT -> "the store waited for the request in vain: see whether the network is slow";
      case CORRUPT -> "the bytes changed on the way: check the network and the memory";
      case TOO_LARGE -> "the object is larger than the store takes";
      case UNSUPPORTED -> "the store does not know this request";
      case INVALID ->
          "the store refuses the request: check bucket, endpoint, region and path_style";
      case INTERRUPTED, CLOSED, LOCAL_IO -> "";
    };
  }

  private String denied(String code) {
    return switch (code) {
      case "InvalidAccessKeyId" -> "the store does not know this access key: check the credentials";
      case "SignatureDoesNotMatch" -> "the secret key is wrong: check the credentials";
      case "RequestTimeTooSkewed" -> "this node's clock is wrong: set it (chronyc makestep)";
      case "ExpiredToken", "TokenRefreshRequired", "RequestExpired" ->
          "the session token has expired: renew it";
      case "InvalidToken" -> "the store does not know this session token: check the credentials";
      default -> "the credentials may not do this on " + bucket + ": check the bucket's policy";
    };
  }

  private Failure unanswered(String what, String key, Exception e) {
    if (find(e, GeneralSecurityException.class) != null) {
      return new Failure(
          Kind.UNAVAILABLE,
          key,
          text(what, key, "its certificate is not trusted: set verify to its CA bundle"),
          false,
          e);
    }
    if (find(e, SocketTimeoutException.class) != null) {
      return new Failure(
          Kind.TIMEOUT, key, text(what, key, "no answer: see whether the store is up"), true, e);
    }
    String why;
    if (find(e, UnknownHostException.class) != null) {
      why = "its host name is not known: check endpoint and DNS";
    } else if (find(e, ConnectException.class) != null) {
      why = "nothing listens there: check the endpoint, start the store";
    } else if (find(e, SSLException.class) != null) {
      why = "TLS failed (" + root(e) + "): check that the endpoint speaks https";
    } else {
      why = "the connection broke (" + root(e) + "): see whether the store is up";
    }
    return new Failure(Kind.UNAVAILABLE, key, text(what, key, why), true, e);
  }

  private String text(String what, String key, @Nullable String why) {
    return what + " " + key + " on " + storeName + ": " + why;
  }

  private static String root(Throwable e) {
    Throwable at = e;
    while (at.getCause() != null) {
      at = at.getCause();
    }
    return at.getClass().getSimpleName() + ": " + at.getMessage();
  }

  static String code(AwsServiceException e) {
    AwsErrorDetails details = e.awsErrorDetails();
    return details == null || details.errorCode() == null ? NO_CODE : details.errorCode();
  }

  private static String requestId(AwsServiceException e) {
    return e.requestId() == null ? "" : ", request " + e.requestId();
  }

  /** The bucket's own region where the answer names it (header, or the body of a 400). */
  private static @Nullable String region(AwsServiceException e) {
    AwsErrorDetails details = e.awsErrorDetails();
    if (details == null || details.sdkHttpResponse() == null) {
      return null;
    }
    Optional<String> header = details.sdkHttpResponse().firstMatchingHeader("x-amz-bucket-region");
    if (e.statusCode() == 301 || e.statusCode() == 307) {
      return header.orElse(null);
    }
    if (code(e).equals("AuthorizationHeaderMalformed") && details.rawResponse() != null) {
      Matcher body = REGION.matcher(details.rawResponse().asString(StandardCharsets.UTF_8));
      return body.find() ? body.group(1) : header.orElse(null);
    }
    // A HEAD's 400 has no body; only the header tells why.
    return code(e).equals(NO_CODE) ? header.orElse(null) : null;
  }

  /** The SDK and the JDK tell an interrupt in several ways; a timed out socket is none of them. */
  static boolean isInterrupt(Throwable e) {
    return any(
        e,
        at ->
            at instanceof InterruptedException
                || at instanceof AbortedException
                || (at instanceof InterruptedIOException
                    && !(at instanceof SocketTimeoutException)));
  }

  static <T extends Throwable> @Nullable T find(Throwable e, Class<T> type) {
    Throwable at = e;
    for (int depth = 0; at != null && depth < 20; depth++) {
      if (type.isInstance(at)) {
        return type.cast(at);
      }
      at = at.getCause();
    }
    return null;
  }

  private static boolean any(Throwable e, Predicate<Throwable> test) {
    Throwable at = e;
    for (int depth = 0; at != null && depth < 20; depth++) {
      if (test.test(at)) {
        return true;
      }
      at = at.getCause();
    }
    return false;
  }
}
