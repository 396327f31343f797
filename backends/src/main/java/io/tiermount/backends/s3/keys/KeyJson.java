package io.tiermount.backends.s3.keys;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;

/**
 * Keys as AWS writes them in JSON: {@code credential_process} ("AWS SDKs and Tools Reference
 * Guide", "Process credential provider"), the container's and the instance's metadata. What is
 * wrong is told without quoting any of it.
 */
final class KeyJson {
  private KeyJson() {}

  /**
   * Reads one answer.
   *
   * @param who for messages
   * @param tokenName {@code SessionToken} of processes, {@code Token} of metadata servers
   */
  static Keys read(String who, String text, String tokenName) throws NoKeysException {
    JsonNode node;
    try {
      node = JsonNode.parser().parse(text);
    } catch (RuntimeException e) {
      throw NoKeysException.failed(who + " answered something that is no JSON");
    }
    if (!node.isObject()) {
      throw NoKeysException.failed(who + " answered JSON that is no object");
    }
    String access = text(node, "AccessKeyId");
    String secret = text(node, "SecretAccessKey");
    if (access == null || secret == null) {
      String code = text(node, "Code");
      throw NoKeysException.failed(
          who
              + " answered without AccessKeyId and SecretAccessKey"
              + (code == null || code.length() > 40 ? "" : " (Code " + code + ")"));
    }
    return new Keys(access, secret, text(node, tokenName), end(who, text(node, "Expiration")));
  }

  private static @Nullable String text(JsonNode node, String name) {
    Optional<JsonNode> value = node.field(name);
    if (value.isEmpty() || !value.get().isString()) {
      return null;
    }
    String text = value.get().asString();
    return text.isEmpty() ? null : text;
  }

  private static @Nullable Instant end(String who, @Nullable String text) throws NoKeysException {
    if (text == null) {
      return null;
    }
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw NoKeysException.failed(
          who + " answered an Expiration that is no ISO-8601 time, such as 2030-01-31T12:00:00Z");
    }
  }
}
