package io.tiermount.fs.fuse.libfuse;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.fuse.Names;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.List;
import java.util.Map;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.LibFuse;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * libfuse 2 itself. jnr-fuse brings the library, its main loop and the layout of struct
 * fuse_operations. The callbacks are upcalls of java.lang.foreign and not jnr-fuse's own: those
 * decode paths as UTF-8, which loses names that are not, and attach and detach the thread each
 * time.
 *
 * <p>Layouts: fuse_common.h and fuse.h of libfuse 2.9.
 */
// Restricted: calling native code is what this class is for.
@SuppressWarnings("restricted")
final class NativeFuse {
  private static final String LIBRARY = "libfuse.so.2";
  private static final int CONTEXT_BYTES = 40;
  private static final int MAX_STRING_BYTES = 1 << 20;
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle CALL = callHandle();

  /** The four bits behind bmap: flag_nullpath_ok, flag_nopath, flag_utime_omit_ok. */
  private static final int ALL_FLAGS = 0b111;

  private final LibFuse library;
  private final MethodHandle getContext;
  private final MethodHandle interrupted;

  private NativeFuse(LibFuse library, MethodHandle getContext, MethodHandle interrupted) {
    this.library = library;
    this.getContext = getContext;
    this.interrupted = interrupted;
  }

  /**
   * A function of struct fuse_operations. All arguments are integers or addresses and travel as
   * longs; what a function has fewer of is undefined, and so is the upper half of an int.
   */
  @FunctionalInterface
  interface FuseFunction {
    /** Must not throw: an exception here ends the JVM. */
    int call(long first, long second, long third, long fourth, long fifth);
  }

  /**
   * Loads the library.
   *
   * @throws IOException that says which package to install
   */
  static NativeFuse load() throws IOException {
    try {
      SymbolLookup symbols = SymbolLookup.libraryLookup(LIBRARY, Arena.global());
      LibFuse library = LibraryLoader.create(LibFuse.class).failImmediately().load(LIBRARY);
      return new NativeFuse(
          library,
          LINKER.downcallHandle(
              symbols.findOrThrow("fuse_get_context"), FunctionDescriptor.of(ADDRESS)),
          LINKER.downcallHandle(
              symbols.findOrThrow("fuse_interrupted"), FunctionDescriptor.of(JAVA_INT)));
    } catch (IllegalArgumentException | UnsatisfiedLinkError e) {
      throw new IOException(
          "libfuse 2 ("
              + LIBRARY
              + ") is not installed: install the package libfuse2 (libfuse2t64 on newer Debian and"
              + " Ubuntu, fuse-libs on Fedora and RHEL), or set fuse.transport = dev",
          e);
    }
  }

  private static MethodHandle callHandle() {
    try {
      return MethodHandles.lookup()
          .findVirtual(
              FuseFunction.class,
              "call",
              MethodType.methodType(
                  int.class, long.class, long.class, long.class, long.class, long.class));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Mounts and serves until the mount is gone.
   *
   * @param callbacks by the name of the field of struct fuse_operations
   * @return what fuse_main returned: not 0 where it could not mount; then it said why on stderr
   */
  int run(List<String> arguments, Map<String, FuseFunction> callbacks) {
    Runtime runtime = Runtime.getSystemRuntime();
    FuseOperations layout = new FuseOperations(runtime);
    Pointer operations = Memory.allocateDirect(runtime, Struct.size(layout), true);
    layout.useMemory(operations);
    try (Arena arena = Arena.ofShared()) {
      FunctionDescriptor descriptor =
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
      callbacks.forEach((name, callback) ->
          operations.putAddress(
              Operations.offset(layout, name),
              LINKER.upcallStub(CALL.bindTo(callback), descriptor, arena).address()));
      operations.putInt(Operations.flags(layout), ALL_FLAGS);
      String[] argv = arguments.toArray(String[]::new);
      return library.fuse_main_real(argv.length, argv, layout, Struct.size(layout), null);
    }
  }

  /** Who makes the request that this thread serves. struct fuse_context: uid@8 gid@12 pid@16. */
  Caller caller() {
    MemorySegment context = context();
    return new Caller(
        context.get(JAVA_INT, 8), context.get(JAVA_INT, 12), context.get(JAVA_INT, 16));
  }

  /** The caller's umask; struct fuse_context: umask@32. */
  int umask() {
    return context().get(JAVA_INT, 32);
  }

  private MemorySegment context() {
    try {
      return ((MemorySegment) getContext.invokeExact()).reinterpret(CONTEXT_BYTES);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** True where the caller gave up the request that this thread serves. */
  boolean interrupted() {
    try {
      return (int) interrupted.invokeExact() != 0;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static IllegalStateException unexpected(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException("a native call failed before it was made", e);
  }

  /** Memory that libfuse lends for the time of a callback. */
  static MemorySegment memory(long address, long sizeBytes) {
    return MemorySegment.ofAddress(address).reinterpret(sizeBytes);
  }

  /** A path or name; "" where libfuse gives none (an open file that has lost its name). */
  static String string(long address) {
    if (address == 0) {
      return "";
    }
    MemorySegment text = memory(address, MAX_STRING_BYTES);
    int length = 0;
    while (text.get(ValueLayout.JAVA_BYTE, length) != 0) {
      length++;
    }
    return Names.decode(text.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
  }
}
