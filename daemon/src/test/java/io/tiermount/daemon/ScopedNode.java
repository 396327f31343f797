package io.tiermount.daemon;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminClient;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.config.ConfigParser;
import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.ThisNode;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A node with mounts that let in some users and not others, and commands run as those users. The
 * daemon runs in this process. Everything lies below a directory that everybody may enter.
 */
final class ScopedNode implements AutoCloseable {
  private static final int COMMAND_SECONDS = 60;

  private final Path directory;
  private final Json json = new Json();
  private final RunDirectory run;
  private final Path cache;
  private final Daemon daemon;

  /** Somebody, by numbers: no such account is needed. */
  record User(int uid, int gid, List<Integer> groups) {
    static User of(int id, Integer... groups) {
      return new User(id, id, List.of(groups));
    }

    /** The beginning of a command line that becomes this user. */
    List<String> prefix() {
      List<String> prefix = new ArrayList<>(List.of("setpriv", "--reuid=" + uid, "--regid=" + gid));
      prefix.add(
          groups.isEmpty()
              ? "--clear-groups"
              : "--groups="
                  + groups.stream().map(String::valueOf).collect(Collectors.joining(",")));
      return prefix;
    }
  }

  static final User ROOT = User.of(0);

  /** How a command ended. */
  record Ended(int code, String out, String err) {}

  /**
   * Starts it, and waits until every mount answers.
   *
   * @param mounts the {@code mounts} of the configuration; DIR stands for the node's directory
   */
  ScopedNode(String mounts) throws IOException {
    directory = Files.createTempDirectory(Path.of("/tmp"), "tiermount-scopes");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    cache = directory.resolve("cache");
    run = RunDirectory.of(Map.of("TIERMOUNT_RUN_DIR", directory.resolve("run").toString()), 0);
    Path buckets = Files.createDirectory(directory.resolve("buckets"));
    Files.setPosixFilePermissions(buckets, PosixFilePermissions.fromString("rwx------"));
    Matcher bucket = Pattern.compile("file://DIR/buckets/(\\w+)").matcher(mounts);
    while (bucket.find()) {
      Files.createDirectories(buckets.resolve(bucket.group(1)));
    }
    Path file = directory.resolve("mounts.conf");
    Files.writeString(
        file,
        "identity { org = acme, cloud = c1, cluster = k9, user = ann }\n"
            + "storage.cache { default_base_dir = \""
            + cache
            + "\", size.min_free_bytes = 0 }\n"
            + "mounts {\n"
            + mounts.replace("DIR", directory.toString())
            + "\n}\n");
    try {
      daemon =
          new Wiring(Map.of(), run, json, Clock.systemUTC())
              .daemon(new ConfigParser(Map.of(), new ThisNode()).parseFiles(List.of(file)), false);
    } catch (InvalidConfigException e) {
      throw new IOException(e);
    }
    try {
      daemon.start();
      awaitReady();
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** There is nothing to be notified by. */
  @SuppressWarnings("BusyWait")
  private void awaitReady() throws IOException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(COMMAND_SECONDS);
    while (true) {
      JsonNode status;
      try {
        status = client().status(Duration.ofSeconds(COMMAND_SECONDS));
      } catch (AdminException e) {
        throw new IOException(e);
      }
      Set<String> states = new HashSet<>();
      status.get("mounts").forEach(mount -> states.add(mount.get("state").asText()));
      if (states.equals(Set.of("ready"))) {
        return;
      }
      if (states.contains("failed") || System.nanoTime() > end) {
        throw new IOException("the mounts are not up: " + status);
      }
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException(e);
      }
    }
  }

  Path path(String name) {
    return directory.resolve(name);
  }

  AdminClient client() throws IOException {
    return new AdminClient(run.socket(cache), json);
  }

  /** Runs a shell line as somebody, in the node's directory. */
  Ended sh(User user, String line) throws IOException, InterruptedException {
    return run(user, "sh", "-c", line);
  }

  /** Runs a command as somebody, in the node's directory. */
  Ended run(User user, String... command) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("timeout", "-s", "KILL", "" + COMMAND_SECONDS));
    all.addAll(user.prefix());
    all.addAll(Arrays.asList(command));
    Path out = Files.createTempFile("out", null);
    Path err = Files.createTempFile("err", null);
    try {
      Process process =
          new ProcessBuilder(all)
              .directory(directory.toFile())
              .redirectInput(new File("/dev/null"))
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start();
      if (!process.waitFor(COMMAND_SECONDS * 2, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(all + " did not end");
      }
      return new Ended(
          process.exitValue(),
          Files.readString(out, StandardCharsets.ISO_8859_1),
          Files.readString(err, StandardCharsets.ISO_8859_1));
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }

  /** Starts a command as somebody; the caller ends it. */
  Process start(User user, String... command) throws IOException {
    List<String> all = user.prefix();
    all.addAll(Arrays.asList(command));
    return new ProcessBuilder(all)
        .directory(directory.toFile())
        .redirectInput(new File("/dev/null"))
        .inheritIO()
        .start();
  }

  @Override
  public void close() throws IOException {
    daemon.close();
    for (MountTable.Entry entry : MountTable.ofProcess().entries()) {
      if (entry.path().startsWith(directory)) {
        throw new IOException(entry.path() + " is still mounted");
      }
    }
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, java.io.IOException failure)
              throws IOException {
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
