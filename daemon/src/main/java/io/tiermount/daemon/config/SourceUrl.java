package io.tiermount.daemon.config;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A source taken apart.
 *
 * @param url as written; it holds no secrets, or it would have been refused
 * @param bucket of S3 and GCS; account and container of Azure, host and export of NFS; "" for
 *     directories
 * @param endpoint where {@code s3://host:port/…} names one
 * @param directory of {@code file:} sources
 * @param prefix the path below it as written, "" or with one slash at its end added where it has
 *     none; doubled slashes are part of keys and stay
 */
record SourceUrl(
    Kind kind,
    String url,
    String bucket,
    @Nullable URI endpoint,
    @Nullable Path directory,
    String prefix) {
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[A-Za-z0-9._-]+):(\\d{1,5})");
  private static final Pattern BUCKET = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{1,254}");
  private static final Pattern ACCOUNT = Pattern.compile("[a-z0-9]{3,24}");
  private static final Pattern AZURE_HOST =
      Pattern.compile("([^@/]+)@([a-z0-9]{3,24})\\.(?:blob|dfs)\\.[A-Za-z0-9.-]+");
  private static final Pattern USER_INFO = Pattern.compile("^([a-z0-9]+://)[^/]*@");
  private static final List<String> SCHEMES =
      List.of("s3", "file", "gs", "azure", "wasb", "wasbs", "abfs", "abfss", "nfs");

  /** What kind of store it is. */
  enum Kind {
    S3,
    LOCAL_BUCKET,
    LOCAL_DIRECTORY,
    GCS,
    AZURE,
    NFS
  }

  /** True where the source itself says which part of the store is meant. */
  boolean namesPath() {
    return kind == Kind.LOCAL_DIRECTORY || !prefix.isEmpty();
  }

  /** The text for messages: without what may be a secret. */
  static String shown(String text) {
    boolean container = text.startsWith("wasb") || text.startsWith("abfs");
    String shown = container ? text : USER_INFO.matcher(text).replaceFirst("$1…@");
    int query = shown.indexOf('?');
    return query < 0 || text.startsWith("file:") ? shown : shown.substring(0, query) + "?…";
  }

  static SourceUrl parse(String text) throws BadValueException {
    int colon = text.indexOf(':');
    String scheme = colon < 0 ? "" : text.substring(0, colon);
    if (!SCHEMES.contains(scheme)) {
      throw new BadValueException(
          scheme.isEmpty()
              ? ""
              : Nearest.to(scheme, SCHEMES)
                  .map(known -> "did you mean " + known + "://?")
                  .orElse(""));
    }
    if (!text.startsWith("://", colon)) {
      throw new BadValueException("write " + scheme + "://…");
    }
    String rest = text.substring(colon + 3);
    if (rest.indexOf('\0') >= 0) {
      throw new BadValueException("");
    }
    return switch (scheme) {
      case "s3" -> s3(text, rest);
      case "file" -> file(text, rest);
      case "gs" -> gcs(text, rest);
      case "azure" -> azure(text, rest);
      case "nfs" -> nfs(text, rest);
      // wasb, wasbs, abfs, abfss: the schemes are a closed list checked above.
      default -> azureByHost(text, rest);
    };
  }

  private static SourceUrl s3(String text, String rest) throws BadValueException {
    refuseUserInfo(rest);
    String authority = head(rest);
    String path = tail(rest);
    URI endpoint = null;
    Matcher matcher = HOST_AND_PORT.matcher(authority);
    if (matcher.matches()) {
      endpoint = URI.create("http://" + authority);
      if (Integer.parseInt(matcher.group(2)) > 65_535) {
        throw new BadValueException("a port is at most 65535");
      }
      authority = head(path);
      path = tail(path);
    }
    return new SourceUrl(Kind.S3, text, bucket(authority), endpoint, null, withSlash(path));
  }

  private static SourceUrl gcs(String text, String rest) throws BadValueException {
    refuseUserInfo(rest);
    return new SourceUrl(Kind.GCS, text, bucket(head(rest)), null, null, withSlash(tail(rest)));
  }

  private static SourceUrl azure(String text, String rest) throws BadValueException {
    refuseUserInfo(rest);
    refuseQuery(rest);
    String account = head(rest);
    String container = head(tail(rest));
    if (!ACCOUNT.matcher(account).matches()) {
      throw new BadValueException("azure://account/container/prefix");
    }
    String place = account + "/" + bucket(container);
    return new SourceUrl(Kind.AZURE, text, place, null, null, withSlash(tail(tail(rest))));
  }

  private static SourceUrl azureByHost(String text, String rest) throws BadValueException {
    refuseQuery(rest);
    Matcher matcher = AZURE_HOST.matcher(head(rest));
    if (!matcher.matches()) {
      throw new BadValueException("wasbs://container@account.blob.core.windows.net/prefix");
    }
    String place = matcher.group(2) + "/" + bucket(matcher.group(1));
    return new SourceUrl(Kind.AZURE, text, place, null, null, withSlash(tail(rest)));
  }

  private static SourceUrl nfs(String text, String rest) throws BadValueException {
    refuseUserInfo(rest);
    String host = head(rest);
    String export = head(tail(rest));
    boolean plain = host.matches("[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+]");
    if (export.isEmpty() || !(plain || HOST_AND_PORT.matcher(host).matches())) {
      throw new BadValueException("nfs://host/export");
    }
    String directory = tail(tail(rest));
    return new SourceUrl(Kind.NFS, text, host + "/" + export, null, null, withSlash(directory));
  }

  private static SourceUrl file(String text, String rest) throws BadValueException {
    int query = rest.indexOf('?');
    String path = decode(query < 0 ? rest : rest.substring(0, query));
    if (!path.startsWith("/")) {
      throw new BadValueException("three slashes and an absolute path: file:///mnt/data");
    }
    if (List.of(path.split("/", -1)).contains("..") || path.indexOf('\0') >= 0) {
      throw new BadValueException("without ..");
    }
    Path directory = Path.of(path).normalize();
    if (query < 0) {
      return new SourceUrl(Kind.LOCAL_DIRECTORY, text, "", null, directory, "");
    }
    String prefix = "";
    boolean bucket = false;
    for (String parameter : rest.substring(query + 1).split("&", -1)) {
      if (parameter.equals("as=bucket")) {
        bucket = true;
      } else if (parameter.startsWith("prefix=")) {
        prefix = withSlash(decode(parameter.substring("prefix=".length())));
      } else {
        throw new BadValueException("after ? only as=bucket and prefix=… are known");
      }
    }
    if (!bucket) {
      throw new BadValueException("prefix goes with as=bucket: file:///dir?as=bucket&prefix=a");
    }
    return new SourceUrl(Kind.LOCAL_BUCKET, text, "", null, directory, prefix);
  }

  private static String decode(String text) throws BadValueException {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new BadValueException("a % is written %25");
    }
  }

  private static void refuseUserInfo(String rest) throws BadValueException {
    if (head(rest).contains("@")) {
      throw new BadValueException(
          "keys don't belong into a source: name an entry of credentials instead");
    }
  }

  private static void refuseQuery(String rest) throws BadValueException {
    if (rest.contains("?")) {
      throw new BadValueException(
          "a token doesn't belong into a source: sas_token of an entry of credentials instead");
    }
  }

  private static String bucket(String name) throws BadValueException {
    if (!BUCKET.matcher(name).matches()) {
      throw new BadValueException(
          name.isEmpty()
              ? "the bucket's name is missing"
              : "a bucket's name has letters, digits, . _ -");
    }
    return name;
  }

  private static String head(String text) {
    int slash = text.indexOf('/');
    return slash < 0 ? text : text.substring(0, slash);
  }

  private static String tail(String text) {
    int slash = text.indexOf('/');
    return slash < 0 ? "" : text.substring(slash + 1);
  }

  static String withSlash(String path) {
    return path.isEmpty() || path.endsWith("/") ? path : path + "/";
  }

  /** Every place that two mounts may share: same store, same bucket. */
  String store() {
    List<String> parts = new ArrayList<>(List.of(kind.name(), bucket));
    parts.add(endpoint == null ? "" : endpoint.toString());
    parts.add(directory == null ? "" : directory.toString());
    return String.join("|", parts);
  }
}
