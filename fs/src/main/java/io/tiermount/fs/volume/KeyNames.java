package io.tiermount.fs.volume;

import io.tiermount.fs.fuse.Names;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * File names ↔ segments of keys. Almost every segment is its own name. The few that a directory
 * cannot hold get one that starts an escape with {@value #ESCAPE}, so that every key stays
 * reachable (SEMANTICS R4 to R7):
 *
 * <table>
 *   <caption>escapes</caption>
 *   <tr><td>empty segment ({@code a//b})</td><td>{@code %tm.empty}</td></tr>
 *   <tr><td>{@code .} and {@code ..}</td><td>{@code %tm.dot}, {@code %tm.dotdot}</td></tr>
 *   <tr><td>a NUL in the segment</td><td>{@code %tm.nul.} in its place</td></tr>
 *   <tr><td>{@code %tm.} in the segment</td><td>{@code %tm.esc.} in its place</td></tr>
 *   <tr><td>more than 255 bytes</td><td>its beginning, {@code %tm.long.} and 16 hex digits of its SHA-256</td></tr>
 *   <tr><td>object {@code a} beside {@code a/…}</td><td>{@code a%tm.object}</td></tr>
 *   <tr><td>directory marker {@code a/} that has content</td><td>{@code a/%tm.self}</td></tr>
 * </table>
 */
final class KeyNames {
  static final String ESCAPE = "%tm.";

  /** Behind the name of an object that a directory of the same name hides. */
  static final String OBJECT = "%tm.object";

  /** The content of a directory's own marker object. */
  static final String SELF = "%tm.self";

  private static final String EMPTY = "%tm.empty";
  private static final String DOT = "%tm.dot";
  private static final String DOTDOT = "%tm.dotdot";
  private static final String NUL = "%tm.nul.";
  private static final String ESC = "%tm.esc.";
  private static final String LONG = "%tm.long.";

  /** NAME_MAX of Linux. */
  static final int MAX_NAME_BYTES = 255;

  private static final int HASH_DIGITS = 16;

  private KeyNames() {}

  /**
   * What a name asks for.
   *
   * @param segment of the key, whole; null where the name was cut ({@code %tm.long.})
   * @param beginning of the segment, where it was cut
   * @param hash of the whole segment, where it was cut
   * @param object only an object is meant, not a directory
   */
  record Target(
      @Nullable String segment, @Nullable String beginning, @Nullable String hash, boolean object) {
    static Target of(String segment) {
      return new Target(segment, null, null, false);
    }
  }

  /** The name of a segment. */
  static String name(String segment) {
    return fit(plain(segment));
  }

  /** The name of an object beside a directory of the same segment. */
  static String shadowedName(String segment) {
    return fit(plain(segment) + OBJECT);
  }

  private static String plain(String segment) {
    if (segment.isEmpty()) {
      return EMPTY;
    }
    if (segment.charAt(0) == '.') {
      if (segment.equals(".")) {
        return DOT;
      }
      if (segment.equals("..")) {
        return DOTDOT;
      }
    }
    if (segment.contains(ESCAPE)) {
      segment = segment.replace(ESCAPE, ESC);
    }
    return segment.indexOf('\0') < 0 ? segment : segment.replace("\0", NUL);
  }

  private static String fit(String name) {
    // A char is at most three bytes of UTF-8: most names are settled without encoding them.
    if (name.length() * 3 <= MAX_NAME_BYTES) {
      return name;
    }
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= MAX_NAME_BYTES) {
      return name;
    }
    int cut = MAX_NAME_BYTES - LONG.length() - HASH_DIGITS;
    while ((bytes[cut] & 0xC0) == 0x80) {
      cut--;
    }
    String beginning = new String(bytes, 0, cut, StandardCharsets.UTF_8);
    // An escape cut in two would not be read back: it stays whole or goes.
    int tail = beginning.lastIndexOf('%');
    if (tail >= 0 && name.startsWith(ESCAPE, tail) && beginning.length() - tail < OBJECT.length()) {
      beginning = beginning.substring(0, tail);
    }
    return beginning + LONG + hash(name);
  }

  /**
   * What a name asks for; null where no key can have it (not UTF-8, or an escape we never write).
   * {@value #SELF} is the caller's to know.
   */
  static @Nullable Target parse(String name) {
    if (!name.contains(ESCAPE)) {
      return Names.isUtf8(name) ? Target.of(name) : null;
    }
    if (!Names.isUtf8(name)) {
      return null;
    }
    int cut = name.length() - LONG.length() - HASH_DIGITS;
    if (cut >= 0 && name.startsWith(LONG, cut)) {
      String beginning = unescape(name.substring(0, cut));
      return beginning == null
          ? null
          : new Target(null, beginning, name.substring(cut + LONG.length()), false);
    }
    boolean object = name.endsWith(OBJECT);
    String body = object ? name.substring(0, name.length() - OBJECT.length()) : name;
    String segment =
        switch (body) {
          case EMPTY -> "";
          case DOT -> ".";
          case DOTDOT -> "..";
          default -> unescape(body);
        };
    // Only the one way we write it: a second spelling would be a second inode.
    if (segment == null || !name.equals(object ? shadowedName(segment) : name(segment))) {
      return null;
    }
    return new Target(segment, null, null, object);
  }

  private static @Nullable String unescape(String body) {
    if (!body.contains(ESCAPE)) {
      return body;
    }
    StringBuilder out = new StringBuilder(body.length());
    int from = 0;
    for (int at; (at = body.indexOf(ESCAPE, from)) >= 0; ) {
      out.append(body, from, at);
      if (body.startsWith(ESC, at)) {
        out.append(ESCAPE);
        from = at + ESC.length();
      } else if (body.startsWith(NUL, at)) {
        out.append('\0');
        from = at + NUL.length();
      } else {
        return null;
      }
    }
    return out.append(body, from, body.length()).toString();
  }

  /** The digits a cut name ends with. */
  static String hash(String fullName) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(fullName.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, HASH_DIGITS / 2);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
