package io.tiermount.fs.volume;

import java.util.Optional;
import java.util.StringJoiner;

/**
 * Whole keys ↔ paths below a mount (SEMANTICS R4), for who asks without a mount at hand. An object
 * that a directory of the same name hides is not known here: its path is the directory's.
 */
public final class KeyPath {
  private KeyPath() {}

  /** The path of a key below the mount's prefix; "" for "". */
  public static String of(String key) {
    if (key.isEmpty()) {
      return "";
    }
    StringJoiner path = new StringJoiner("/");
    String whole = key.endsWith("/") ? key.substring(0, key.length() - 1) : key;
    for (String segment : whole.split("/", -1)) {
      path.add(KeyNames.name(segment));
    }
    return path.toString();
  }

  /**
   * The key of a path below a mount; "" for "".
   *
   * @return empty where no key can have that path, or a listing alone could tell which one (a name
   *     that was cut)
   */
  public static Optional<String> key(String path) {
    if (path.isEmpty()) {
      return Optional.of("");
    }
    StringJoiner key = new StringJoiner("/");
    for (String name : path.split("/", -1)) {
      if (name.equals(KeyNames.SELF)) {
        key.add("");
        continue;
      }
      KeyNames.Target target = KeyNames.parse(name);
      if (target == null || target.segment() == null) {
        return Optional.empty();
      }
      key.add(target.segment());
    }
    return Optional.of(key.toString());
  }
}
