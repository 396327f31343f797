package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What turns this process into another program with a view of its own of the mounts. All calls by
 * one thread: namespaces are a thread's, and the thread that calls {@link #exec} becomes the new
 * program, with its own.
 */
public final class Processes {
  // linux/sched.h
  private static final long CLONE_NEWNS = 0x20000;
  // linux/mount.h
  private static final long MS_REC = 16_384;
  private static final long MS_PRIVATE = 1 << 18;
  // The same number on x86_64 and aarch64; glibc has a function for it since 2.34 only.
  private static final long CLOSE_RANGE = 436;
  private static final long CLOSE_RANGE_CLOEXEC = 4;
  private static final long ALL = 0xFFFF_FFFFL;
  private static final long SIG_SETMASK = 2;
  private static final long SIGSET_BYTES = 128;

  private static final SystemCall UNSHARE = SystemCall.of("unshare", 1, false);
  private static final SystemCall SETENV = SystemCall.of("setenv", 3, false);
  private static final SystemCall UNSETENV = SystemCall.of("unsetenv", 1, false);
  private static final SystemCall SIGPROCMASK = SystemCall.of("sigprocmask", 3, false);
  private static final SystemCall SYSCALL = SystemCall.variadic("syscall", 4, 1);
  private static final SystemCall EXECV = SystemCall.of("execv", 2, false);

  private Processes() {}

  /**
   * A mount namespace of this thread's own, to which nothing propagates from outside, nor the
   * reverse: unshare(2), mount_namespaces(7).
   *
   * @throws ErrnoException EPERM without CAP_SYS_ADMIN
   */
  public static void unshareMounts() throws ErrnoException {
    check(UNSHARE.call(CLONE_NEWNS), "unshare(CLONE_NEWNS)");
    LibC.mount("none", "/", "none", MS_REC | MS_PRIVATE, null);
  }

  /** setenv(3): for {@link #exec}; {@code System.getenv} does not see it. */
  public static void setenv(String name, String value) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      long result =
          SETENV.call(arena.allocateFrom(name).address(), arena.allocateFrom(value).address(), 1);
      check(result, "setenv(" + name + ")");
    }
  }

  /** unsetenv(3). */
  public static void unsetenv(String name) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      check(UNSETENV.call(arena.allocateFrom(name).address()), "unsetenv(" + name + ")");
    }
  }

  /**
   * execv(3) with the process's environment; does not return where it works. Of descriptors
   * standard input, output and error stay open; no signal stays blocked, as the JVM has some.
   *
   * @param words the program's arguments as bytes, its name first
   */
  public static void exec(String program, List<byte[]> words) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      // A kernel without it (before 5.11) leaves the JVM's own descriptors, which close themselves.
      long _ = SYSCALL.call(CLOSE_RANGE, 3, ALL, CLOSE_RANGE_CLOEXEC);
      MemorySegment none = arena.allocate(SIGSET_BYTES, Long.BYTES);
      check(SIGPROCMASK.call(SIG_SETMASK, none.address(), 0), "sigprocmask");
      MemorySegment argv = arena.allocate(JAVA_LONG, words.size() + 1L);
      for (int i = 0; i < words.size(); i++) {
        byte[] word = words.get(i);
        MemorySegment c = arena.allocate(word.length + 1L);
        MemorySegment.copy(word, 0, c, JAVA_BYTE, 0, word.length);
        argv.setAtIndex(JAVA_LONG, i, c.address());
      }
      MemorySegment path = arena.allocateFrom(program, StandardCharsets.UTF_8);
      check(EXECV.call(path.address(), argv.address()), "exec(" + program + ")");
    }
  }

  private static void check(long result, String call) throws ErrnoException {
    if (result < 0) {
      throw new ErrnoException(call, (int) -result);
    }
  }
}
