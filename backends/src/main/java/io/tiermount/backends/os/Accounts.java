package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.OptionalInt;

/**
 * Users and groups by name, as the node's name service knows them (files, LDAP, SSSD):
 * getpwnam_r(3) and getgrnam_r(3). May wait for a network: not for threads that serve requests.
 */
public final class Accounts {
  // Both structures begin with two pointers; the number follows (pwd.h, grp.h of glibc and musl).
  private static final long ID_OFFSET = 16;
  private static final long STRUCT_BYTES = 64;
  // A group with thousands of members needs that much for their names.
  private static final long BUFFER_BYTES = 1 << 20;

  private final MethodHandle passwd = find("getpwnam_r");
  private final MethodHandle group = find("getgrnam_r");

  /** Empty for an unknown name, also where the name service does not answer. */
  public OptionalInt uidOf(String user) {
    return idOf(passwd, user);
  }

  /** Empty for an unknown name, also where the name service does not answer. */
  public OptionalInt gidOf(String name) {
    return idOf(group, name);
  }

  // Restricted: a libc function of known signature.
  @SuppressWarnings("restricted")
  private static MethodHandle find(String function) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(function),
        FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
  }

  private static OptionalInt idOf(MethodHandle function, String name) {
    if (name.isEmpty() || name.indexOf('\0') >= 0) {
      return OptionalInt.empty();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment entry = arena.allocate(STRUCT_BYTES);
      MemorySegment buffer = arena.allocate(BUFFER_BYTES);
      MemorySegment result = arena.allocate(ADDRESS);
      int error =
          (int) function.invokeExact(arena.allocateFrom(name), entry, buffer, BUFFER_BYTES, result);
      boolean found = error == 0 && result.get(ADDRESS, 0).address() != 0;
      return found ? OptionalInt.of(entry.get(JAVA_INT, ID_OFFSET)) : OptionalInt.empty();
    } catch (Throwable e) {
      throw new IllegalStateException("a call into libc failed", e);
    }
  }
}
