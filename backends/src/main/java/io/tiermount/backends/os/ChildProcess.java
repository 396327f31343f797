package io.tiermount.backends.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Starts a process that inherits chosen descriptors (posix_spawn(3)): Java's own launcher closes
 * all of them. Standard input, output and error are the parent's.
 */
public final class ChildProcess {
  private static final int POSIX_SPAWN_SETSIGDEF = 4;
  private static final int POSIX_SPAWN_SETSIGMASK = 8;
  private static final short POSIX_SPAWN_SETSID = 0x80;

  /** glibc's posix_spawnattr_t has 336 bytes, posix_spawn_file_actions_t 80; musl's are smaller. */
  private static final int OPAQUE_BYTES = 512;

  private static final int SIGSET_BYTES = 128;

  /** Above any number that a child's descriptors get here. */
  private static final int HIGH = 100;

  private static final int F_DUPFD_CLOEXEC = 1030;

  private static final SystemCall SPAWN = SystemCall.of("posix_spawn", 6, false);
  private static final SystemCall ACTIONS_INIT =
      SystemCall.of("posix_spawn_file_actions_init", 1, false);
  private static final SystemCall ACTIONS_DUP2 =
      SystemCall.of("posix_spawn_file_actions_adddup2", 3, false);
  private static final SystemCall ACTIONS_CLOSE =
      SystemCall.of("posix_spawn_file_actions_addclose", 2, false);
  private static final SystemCall ACTIONS_DESTROY =
      SystemCall.of("posix_spawn_file_actions_destroy", 1, false);
  private static final SystemCall ATTRIBUTES_INIT = SystemCall.of("posix_spawnattr_init", 1, false);
  private static final SystemCall ATTRIBUTES_FLAGS =
      SystemCall.of("posix_spawnattr_setflags", 2, false);
  private static final SystemCall ATTRIBUTES_MASK =
      SystemCall.of("posix_spawnattr_setsigmask", 2, false);
  private static final SystemCall ATTRIBUTES_DEFAULT =
      SystemCall.of("posix_spawnattr_setsigdefault", 2, false);
  private static final SystemCall ATTRIBUTES_DESTROY =
      SystemCall.of("posix_spawnattr_destroy", 1, false);

  private ChildProcess() {}

  /**
   * Starts one in a session of its own, with default signals.
   *
   * @param command the first word is the program's path
   * @param fds what the child has as descriptor 3, 4 and so on
   * @return its pid
   */
  public static int start(List<String> command, Map<String, String> environment, List<Integer> fds)
      throws ErrnoException {
    List<Integer> moved = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment actions = arena.allocate(OPAQUE_BYTES, 8);
      MemorySegment attributes = arena.allocate(OPAQUE_BYTES, 8);
      check("posix_spawn_file_actions_init", ACTIONS_INIT.call(actions.address()));
      check("posix_spawnattr_init", ATTRIBUTES_INIT.call(attributes.address()));
      try {
        for (int fd : fds) {
          // Out of the way first: a source may have the number that another one is to get.
          moved.add(LibC.fcntl(fd, F_DUPFD_CLOEXEC, HIGH));
        }
        for (int i = 0; i < moved.size(); i++) {
          check(
              "posix_spawn_file_actions_adddup2",
              ACTIONS_DUP2.call(actions.address(), moved.get(i), 3L + i));
        }
        for (long fd : openFds()) {
          // One that is closed by then is no error.
          if (fd >= 3L + fds.size()) {
            check("posix_spawn_file_actions_addclose", ACTIONS_CLOSE.call(actions.address(), fd));
          }
        }
        MemorySegment none = arena.allocate(SIGSET_BYTES, 8);
        MemorySegment all = arena.allocate(SIGSET_BYTES, 8).fill((byte) -1);
        // Neither SIGKILL nor SIGSTOP, nor the two that glibc keeps to itself (32, 33).
        all.set(JAVA_INT, 0, -1 & ~(1 << 8) & ~(1 << 18) & ~(1 << 31));
        all.set(JAVA_INT, 4, -1 & ~1);
        all.asSlice(8).fill((byte) 0);
        short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID;
        check("setsigmask", ATTRIBUTES_MASK.call(attributes.address(), none.address()));
        check("setsigdefault", ATTRIBUTES_DEFAULT.call(attributes.address(), all.address()));
        check("setflags", ATTRIBUTES_FLAGS.call(attributes.address(), flags));
        MemorySegment pid = arena.allocate(JAVA_INT);
        check(
            "posix_spawn(" + command.getFirst() + ")",
            SPAWN.call(
                pid.address(),
                arena.allocateFrom(command.getFirst()).address(),
                actions.address(),
                attributes.address(),
                strings(arena, command).address(),
                strings(
                        arena,
                        environment.entrySet().stream()
                            .map(e -> e.getKey() + "=" + e.getValue())
                            .toList())
                    .address()));
        return pid.get(JAVA_INT, 0);
      } finally {
        long _ = ACTIONS_DESTROY.call(actions.address());
        long _ = ATTRIBUTES_DESTROY.call(attributes.address());
      }
    } finally {
      for (int fd : moved) {
        LibC.close(fd);
      }
    }
  }

  /** The JVM opens many files without close-on-exec. */
  private static List<Long> openFds() {
    List<Long> fds = new ArrayList<>();
    String[] names = new File("/proc/self/fd").list();
    for (String name : names == null ? new String[0] : names) {
      fds.add(Long.parseLong(name));
    }
    return fds;
  }

  private static MemorySegment strings(Arena arena, List<String> texts) {
    MemorySegment array = arena.allocate(ADDRESS, texts.size() + 1L);
    for (int i = 0; i < texts.size(); i++) {
      array.setAtIndex(ADDRESS, i, arena.allocateFrom(texts.get(i)));
    }
    return array;
  }

  /** These functions return the errno itself. */
  private static void check(String what, long result) throws ErrnoException {
    if (result != 0) {
      throw new ErrnoException(what, (int) Math.abs(result));
    }
  }
}
