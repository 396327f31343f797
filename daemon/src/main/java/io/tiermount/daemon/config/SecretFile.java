package io.tiermount.daemon.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A secret as Kubernetes mounts it: a file whose JSON has the variables that the provider's tools
 * read from the environment. Read as HOCON, since people's files have trailing commas. No message
 * shows a value.
 */
final class SecretFile {
  private static final List<String> S3 =
      List.of(
          "AWS_ACCESS_KEY_ID",
          "AWS_SECRET_ACCESS_KEY",
          "AWS_SECURITY_TOKEN",
          "AWS_SESSION_TOKEN",
          "AWS_ENDPOINT_URL",
          "AWS_REGION");
  private static final List<String> AZURE =
      List.of("AZURE_ACCOUNT_NAME", "AZURE_ACCOUNT_KEY", "AZURE_CONNECTION_STRING");
  private static final Set<String> GOOGLE_TYPES =
      Set.of("service_account", "external_account", "authorized_user");

  private final Path file;
  private final Node.Section content;
  private final Problems problems;
  private final List<String> notices;

  private SecretFile(Path file, Node.Section content, Problems problems, List<String> notices) {
    this.file = file;
    this.content = content;
    this.problems = problems;
    this.notices = notices;
  }

  /** What a mount gets of it: an entry of {@code credentials}, and keys of its own. */
  record Keys(Map<String, Node> credentials, Map<String, Node> mount) {}

  /**
   * Reads an existing file.
   *
   * @param account the account that an Azure source names; "" for none
   * @return null after reporting
   */
  static @Nullable Keys read(
      Path file,
      PersistenceKeys.Store store,
      String account,
      Problems problems,
      List<String> notices) {
    int before = problems.count();
    HoconDocument document = new HoconDocument();
    document.add(new ConfigFiles.Part(file, ""), problems);
    if (problems.count() > before) {
      return null;
    }
    Node.Section content = HoconResolver.resolve(document, Map.of(), problems);
    if (content == null) {
      return null;
    }
    SecretFile secret = new SecretFile(file, content, problems, notices);
    Keys keys =
        switch (store) {
          case S3 -> secret.s3();
          case AZURE -> secret.azure(account);
          case GCS -> secret.google();
        };
    return problems.count() > before ? null : keys;
  }

  private Keys s3() {
    leaveAside(S3);
    Map<String, Node> credentials = new java.util.TreeMap<>();
    credentials.put("type", text("s3"));
    move("AWS_ACCESS_KEY_ID", credentials, "access_key", true);
    move("AWS_SECRET_ACCESS_KEY", credentials, "secret_key", true);
    move("AWS_SECURITY_TOKEN", credentials, "session_token", false);
    move("AWS_SESSION_TOKEN", credentials, "session_token", false);
    Map<String, Node> mount = new java.util.TreeMap<>();
    move("AWS_ENDPOINT_URL", mount, "endpoint", false);
    move("AWS_REGION", mount, "region", false);
    return new Keys(credentials, mount);
  }

  private Keys azure(String account) {
    leaveAside(AZURE);
    Map<String, Node> credentials = new java.util.TreeMap<>();
    credentials.put("type", text("azure"));
    Node name = content.entries().get("AZURE_ACCOUNT_NAME");
    if (name instanceof Node.Scalar scalar && !scalar.text().equals(account)) {
      problems.add(
          scalar.position(),
          "AZURE_ACCOUNT_NAME",
          Found.text(scalar.text()),
          account + ", the account in the volume's bucket",
          "");
    }
    boolean connection = content.entries().containsKey("AZURE_CONNECTION_STRING");
    if (connection) {
      move("AZURE_CONNECTION_STRING", credentials, "connection_string", true);
    } else {
      move("AZURE_ACCOUNT_KEY", credentials, "account_key", true);
    }
    return new Keys(credentials, Map.of());
  }

  /** Google's libraries read the file themselves; this only makes sure that it is one. */
  private Keys google() {
    Node type = content.entries().get("type");
    if (!(type instanceof Node.Scalar scalar && GOOGLE_TYPES.contains(scalar.text()))) {
      problems.add(
          type == null ? content.position() : type.position(),
          "type",
          type == null ? "nothing" : Found.text(type, false),
          String.join(" | ", new TreeSet<>(GOOGLE_TYPES)),
          "a key file as Google's console gives it out");
    }
    return new Keys(Map.of("type", text("gcs"), "key_file", text(file.toString())), Map.of());
  }

  private void move(String name, Map<String, Node> into, String key, boolean required) {
    Node node = content.entries().get(name);
    boolean empty = node instanceof Node.Scalar scalar && scalar.text().isEmpty();
    if (node instanceof Node.Scalar scalar && !empty) {
      into.put(key, new Node.Scalar(scalar.text(), scalar.position()));
    } else if (required || (node != null && !empty)) {
      problems.add(
          node == null ? content.position() : node.position(),
          name,
          node == null ? "nothing" : Found.text(node, true),
          "a text that is not empty",
          "");
    }
  }

  /** Files hold settings of other tools too. */
  private void leaveAside(List<String> known) {
    Set<String> others = new TreeSet<>(content.entries().keySet());
    known.forEach(others::remove);
    if (!others.isEmpty()) {
      notices.add(file + ": left aside: " + String.join(", ", others));
    }
  }

  private Node text(String text) {
    return new Node.Scalar(text, content.position());
  }
}
