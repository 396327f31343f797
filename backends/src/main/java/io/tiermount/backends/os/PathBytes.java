package io.tiermount.backends.os;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/**
 * File names are bytes, ours are strings. A byte that is not part of valid UTF-8 travels as the
 * lone surrogate U+DC00 + byte (Python's PEP 383 "surrogateescape"), so that any name survives the
 * way there and back.
 */
public final class PathBytes {
  private PathBytes() {}

  /** Decodes; never fails. */
  public static String decode(byte[] bytes) {
    boolean ascii = true;
    for (byte b : bytes) {
      ascii &= b >= 0;
    }
    if (ascii) {
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      if (result.isUnderflow()) {
        return out.flip().toString();
      }
      for (int i = 0; i < result.length(); i++) {
        out.put((char) (0xDC00 + (in.get() & 0xFF)));
      }
    }
  }

  /** The bytes that {@link #decode} was given. */
  public static byte[] encode(String name) {
    if (isUtf8(name)) {
      return name.getBytes(StandardCharsets.UTF_8);
    }
    ByteBuffer out = ByteBuffer.allocate(name.length() * 3);
    int i = 0;
    while (i < name.length()) {
      char c = name.charAt(i);
      if (isEscaped(name, i)) {
        out.put((byte) (c - 0xDC00));
        i++;
      } else {
        int codePoint = name.codePointAt(i);
        out.put(Character.toString(codePoint).getBytes(StandardCharsets.UTF_8));
        i += Character.charCount(codePoint);
      }
    }
    byte[] bytes = new byte[out.position()];
    out.get(0, bytes);
    return bytes;
  }

  /** True where the name is valid UTF-8, hence can be a key. */
  public static boolean isUtf8(String name) {
    for (int i = 0; i < name.length(); i++) {
      if (isEscaped(name, i)) {
        return false;
      }
    }
    return true;
  }

  /** NUL-terminated, for a system call. */
  static MemorySegment toC(Arena arena, String name) {
    byte[] bytes = encode(name);
    MemorySegment segment = arena.allocate(bytes.length + 1L);
    MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
    return segment;
  }

  private static boolean isEscaped(String name, int i) {
    char c = name.charAt(i);
    return c >= 0xDC80 && c <= 0xDCFF && (i == 0 || !Character.isHighSurrogate(name.charAt(i - 1)));
  }
}
