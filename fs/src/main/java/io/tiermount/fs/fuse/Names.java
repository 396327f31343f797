package io.tiermount.fs.fuse;

import io.tiermount.backends.os.PathBytes;

/**
 * File names are bytes, keys are UTF-8. A byte that is not part of valid UTF-8 travels as a lone
 * surrogate, as {@link PathBytes} has it.
 */
public final class Names {
  private Names() {}

  /** Decodes; never fails. */
  public static String decode(byte[] bytes) {
    return PathBytes.decode(bytes);
  }

  /** The bytes that {@link #decode} was given. */
  public static byte[] encode(String name) {
    return PathBytes.encode(name);
  }

  /** True where the name is valid UTF-8, hence can be a key. */
  public static boolean isUtf8(String name) {
    return PathBytes.isUtf8(name);
  }
}
