package io.tiermount.daemon.jobs;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.os.Processes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Becomes a job: this process takes a mount namespace of its own, hides what the job does not get,
 * and executes the job's program in its place. So its exit code, its signals, its terminal and its
 * process id are the job's, and no JVM waits beside it.
 *
 * <p>Root unmounts in its own namespace. Others get that namespace within a user namespace
 * (user_namespaces(7)), where the node's mounts can't be taken away: an empty read-only file system
 * is mounted on top of each instead. The job runs in a second user namespace as who it was, and so
 * without the rights to undo that.
 */
public final class JobRunner {
  private static final String UNSHARE = "/usr/bin/unshare";
  private static final String HIDE =
      "while [ \"$1\" != -- ]; do"
          // A mount that hangs must not hang the job; nothing else looks at it.
          + " timeout -s KILL 20 mount -c -t tmpfs -o ro,nosuid,nodev,size=4k,mode=555"
          + " tiermount-hidden \"$1\" || {"
          // What is gone since needs no cover; names that the table escapes are not looked for.
          + " case \"$1\" in *[!A-Za-z0-9/._-]*) exit 5;; esac;"
          + " grep -qF \" $1 \" /proc/self/mountinfo && exit 5; };"
          + " shift; done; shift; exec \"$@\"";
  private static final int PROBE_SECONDS = 30;

  /** What to hide, from the table of mounts that this thread sees now. */
  @FunctionalInterface
  public interface View {
    /** Reads the table. */
    JobView look() throws IOException;
  }

  private final View view;
  private final Map<String, String> variables;
  private final Collection<String> unset;

  /**
   * @param variables set over the environment that is there
   * @param unset removed from it
   */
  public JobRunner(View view, Map<String, String> variables, Collection<String> unset) {
    this.view = view;
    this.variables = Map.copyOf(variables);
    this.unset = List.copyOf(unset);
  }

  /** A program as a shell finds it; empty where there is none. */
  public static Optional<Path> find(String program, String path, Path directory) {
    Stream<Path> candidates =
        program.contains("/")
            ? Stream.of(directory.resolve(program))
            : Stream.of(path.split(":", -1))
                .map(entry -> directory.resolve(entry).resolve(program));
    return candidates.filter(Files::isRegularFile).filter(Files::isExecutable).findFirst();
  }

  /**
   * Executes; returns only by an exception.
   *
   * @param words the program's arguments, its name first
   * @throws NotPermittedException where neither way is open
   */
  public void exec(Path program, List<byte[]> words) throws IOException, NotPermittedException {
    for (Map.Entry<String, String> variable : variables.entrySet()) {
      Processes.setenv(variable.getKey(), variable.getValue());
    }
    for (String name : unset) {
      Processes.unsetenv(name);
    }
    if (unshare()) {
      // Looked at in here, where nobody else mounts or unmounts.
      for (Path path : view.look().hidden()) {
        LibC.umount2(path.toString(), LibC.MNT_DETACH | LibC.UMOUNT_NOFOLLOW);
      }
      Processes.exec(program.toString(), words);
    }
    probe();
    Processes.exec(UNSHARE, inUserNamespace(program, words));
  }

  private static boolean unshare() throws ErrnoException {
    try {
      Processes.unshareMounts();
      return true;
    } catch (ErrnoException e) {
      if (e.errno() != Errno.EPERM) {
        throw e;
      }
      return false;
    }
  }

  private List<byte[]> inUserNamespace(Path program, List<byte[]> words) throws IOException {
    List<String> before = new ArrayList<>(outer());
    before.addAll(List.of("/bin/sh", "-c", HIDE, "tiermount"));
    // Mounts on top of each other need one cover.
    view.look().hidden().stream().distinct().map(Path::toString).forEach(before::add);
    before.add("--");
    before.addAll(inner());
    before.add(program.toString());
    List<byte[]> all = new ArrayList<>();
    before.forEach(word -> all.add(word.getBytes(StandardCharsets.UTF_8)));
    // unshare(1) names a program by its path: the job's own name for it is lost.
    all.addAll(words.subList(1, words.size()));
    return all;
  }

  private static List<String> outer() {
    return List.of(
        "unshare", "--user", "--map-root-user", "--mount", "--propagation", "private", "--");
  }

  private static List<String> inner() throws IOException {
    Path self = Path.of("/proc/self");
    return List.of(
        UNSHARE,
        "--user",
        "--map-user=" + Files.getAttribute(self, "unix:uid"),
        "--map-group=" + Files.getAttribute(self, "unix:gid"),
        "--");
  }

  /** The last words of a program that could not be executed are not a reason: ask before. */
  private static void probe() throws IOException, NotPermittedException {
    List<String> command = new ArrayList<>(outer());
    command.addAll(inner());
    command.add("true");
    String said = UNSHARE + " is not there (package util-linux)";
    if (Files.isExecutable(Path.of(UNSHARE))) {
      Process probe = new ProcessBuilder(command).redirectErrorStream(true).start();
      probe.getOutputStream().close();
      said = new String(probe.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      try {
        if (probe.waitFor(PROBE_SECONDS, TimeUnit.SECONDS) && probe.exitValue() == 0) {
          return;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        said = "interrupted";
      }
      probe.destroyForcibly();
    }
    throw new NotPermittedException(
        "a job's own view of the mounts needs root, or user namespaces, and this machine refuses"
            + " them ("
            + said
            + "): run it as root");
  }

  /** Neither root nor a user namespace. */
  public static final class NotPermittedException extends Exception {
    private static final long serialVersionUID = 1L;

    NotPermittedException(String message) {
      super(message);
    }
  }
}
