package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;

/**
 * Passwords against hashes as crypt(5) has them, bcrypt among them ({@code $2b$…}), by the system's
 * libcrypt (libxcrypt, which every Debian, Ubuntu and Fedora has). One at a time: a check takes a
 * processor for a tenth of a second on purpose.
 */
public final class Crypt {
  private static final List<String> LIBRARIES = List.of("libcrypt.so.1", "libcrypt.so.2");
  private static final int MAX_HASH_BYTES = 512;

  /** bcrypt looks at 72 bytes, other methods at no more than this. */
  private static final int MAX_PASSWORD_BYTES = 511;

  private final MethodHandle crypt;

  private Crypt(MethodHandle crypt) {
    this.crypt = crypt;
  }

  /**
   * Loads the library.
   *
   * @throws IOException where there is none, with what to install
   */
  // Restricted: what this class is for; the JVM is started with --enable-native-access.
  @SuppressWarnings("restricted")
  public static Crypt load() throws IOException {
    IllegalArgumentException missing = new IllegalArgumentException("none was tried");
    for (String name : LIBRARIES) {
      try {
        SymbolLookup library = SymbolLookup.libraryLookup(name, Arena.global());
        return new Crypt(
            Linker.nativeLinker()
                .downcallHandle(
                    library.findOrThrow("crypt"),
                    FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS)));
      } catch (IllegalArgumentException e) {
        missing = e;
      }
    }
    throw new IOException(
        "hashed passwords need libcrypt, which is missing: install libcrypt1 (Debian, Ubuntu) or"
            + " libxcrypt",
        missing);
  }

  /** True where a password has that hash; false too for a hash of a method that is not known. */
  // The library keeps its answer in a place of its own.
  @SuppressWarnings("restricted")
  public synchronized boolean matches(String password, String hash) {
    byte[] bytes = password.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > MAX_PASSWORD_BYTES || password.indexOf('\0') >= 0) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocateFrom(password);
      MemorySegment answer = (MemorySegment) crypt.invokeExact(key, arena.allocateFrom(hash));
      key.fill((byte) 0);
      if (answer.address() == 0) {
        return false;
      }
      String found = answer.reinterpret(MAX_HASH_BYTES).getString(0);
      return MessageDigest.isEqual(
          found.getBytes(StandardCharsets.UTF_8), hash.getBytes(StandardCharsets.UTF_8));
    } catch (Throwable e) {
      throw SystemCall.unexpected(e);
    }
  }
}
