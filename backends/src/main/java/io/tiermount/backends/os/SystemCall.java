package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * One function of libc, every argument an integer or an address. C ints travel as longs too: on
 * x86_64 and aarch64 a callee ignores the upper half of the register.
 */
final class SystemCall {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final long ERRNO_OFFSET =
      STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
  private static final int MAX_ARGUMENTS = 6;

  private static final ThreadLocal<MemorySegment> ERRNO =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

  private final MethodHandle handle;

  private SystemCall(MethodHandle handle) {
    this.handle = handle;
  }

  /** A function that returns int, or void*, off_t, ssize_t where {@code wide}. */
  static SystemCall of(String name, int arguments, boolean wide) {
    return of(name, arguments, wide, arguments);
  }

  /** A variadic one with {@code fixed} arguments before the dots. */
  static SystemCall variadic(String name, int arguments, int fixed) {
    return of(name, arguments, false, fixed);
  }

  // Restricted: what this class is for; the JVM is started with --enable-native-access.
  @SuppressWarnings("restricted")
  private static SystemCall of(String name, int arguments, boolean wide, int fixed) {
    MemoryLayout[] parameters = new MemoryLayout[arguments];
    Arrays.fill(parameters, JAVA_LONG);
    List<Linker.Option> options = new ArrayList<>();
    options.add(Linker.Option.captureCallState("errno"));
    if (fixed < arguments) {
      options.add(Linker.Option.firstVariadicArg(fixed));
    }
    MethodHandle exact =
        LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow(name),
            FunctionDescriptor.of(wide ? JAVA_LONG : JAVA_INT, parameters),
            options.toArray(Linker.Option[]::new));
    MethodHandle widened =
        exact.asType(exact.type().changeReturnType(long.class)); // int → long keeps the sign
    return new SystemCall(
        MethodHandles.dropArguments(
            widened,
            1 + arguments,
            Collections.nCopies(MAX_ARGUMENTS - arguments, (Class<?>) long.class)));
  }

  /**
   * A handle for the calls that are made most: (errno segment, long × arguments) → long, to be kept
   * in a static final and called by invokeExact with {@link #errnoSegment}.
   */
  @SuppressWarnings("restricted")
  static MethodHandle hot(String name, int arguments) {
    MemoryLayout[] parameters = new MemoryLayout[arguments];
    Arrays.fill(parameters, JAVA_LONG);
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(JAVA_LONG, parameters),
        Linker.Option.captureCallState("errno"));
  }

  /** Where calls of this thread leave their errno. */
  static MemorySegment errnoSegment() {
    return ERRNO.get();
  }

  /** The errno of the last call with {@code segment} that failed. */
  static int errno(MemorySegment segment) {
    return segment.get(JAVA_INT, ERRNO_OFFSET);
  }

  /** What the function returned, or -errno where that was -1. */
  long call(long... arguments) {
    long[] a = Arrays.copyOf(arguments, MAX_ARGUMENTS);
    MemorySegment errno = ERRNO.get();
    long result;
    try {
      result = (long) handle.invokeExact(errno, a[0], a[1], a[2], a[3], a[4], a[5]);
    } catch (Throwable e) {
      throw unexpected(e);
    }
    return result == -1 ? -errno(errno) : result;
  }

  /** A downcall itself throws nothing: what comes out is an Error or a bug of ours. */
  static RuntimeException unexpected(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException("native call failed before it was made", e);
  }
}
