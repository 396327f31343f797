package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.AdminClient;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.RunDirectory;
import io.tiermount.daemon.config.TiermountConfig;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One mount without a file: registered with the daemon that owns the cache directory, which is
 * started where there is none.
 *
 * @param options as behind {@code -o}
 */
record MountStart(Context context, String source, Path path, List<String> options) {
  /** A cold JVM on a loaded machine, a RocksDB with much to replay. */
  private static final Duration START_DEADLINE = Duration.ofSeconds(60);

  static final Duration MOUNT_DEADLINE = Duration.ofSeconds(60);
  private static final long POLL_MILLIS = 20;

  MountStart {
    options = List.copyOf(options);
  }

  /** The directory that says which daemon it is. */
  static Path cache(TiermountConfig config) {
    return config.cache().directories().getFirst().path();
  }

  /** Mounts; returns the mount's report once it answers. */
  JsonNode start(TiermountConfig config, Supervision supervision)
      throws IOException, AdminException, CommandException, InterruptedException {
    Path socket = context.runDirectory().socket(cache(config));
    AdminClient client = new AdminClient(socket, context.json());
    if (RunDirectory.answers(socket)) {
      return client.mount(order(), MOUNT_DEADLINE);
    }
    context.runDirectory().create();
    Path lock = socket.resolveSibling(socket.getFileName() + ".starting");
    // At boot several come at once: one of them starts the daemon, the others wait and join it.
    try (FileChannel channel =
            FileChannel.open(lock, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
        FileLock _ = channel.lock()) {
      if (RunDirectory.answers(socket)
          || (supervision.startService() && RunDirectory.answers(socket))) {
        return client.mount(order(), MOUNT_DEADLINE);
      }
      return startDaemon(client, socket, supervision);
    }
  }

  MountOrder order() {
    return new MountOrder(source, path.toString(), options, relevantEnvironment());
  }

  /** What credentials, regions and identities are found by; the daemon has its own environment. */
  private Map<String, String> relevantEnvironment() {
    Map<String, String> relevant = new TreeMap<>();
    context
        .environment()
        .forEach((name, value) -> {
          if (name.startsWith("AWS_")
              || name.startsWith("TIERMOUNT_")
              || name.startsWith("ANYSCALE_")) {
            relevant.put(name, value);
          }
        });
    return relevant;
  }

  /** The new daemon is {@code mount --foreground} in a session of its own. */
  private JsonNode startDaemon(AdminClient client, Path socket, Supervision supervision)
      throws IOException, AdminException, CommandException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of("mount", "--foreground", source));
    arguments.add(path.toString());
    for (String option : options) {
      arguments.add("-o");
      arguments.add(option);
    }
    String name = String.valueOf(socket.getFileName()).replace(".sock", "");
    Launch launch = Launch.start(supervision.launcher(name), arguments, socket);
    long endNanos = System.nanoTime() + START_DEADLINE.toNanos();
    while (System.nanoTime() < endNanos) {
      if (RunDirectory.answers(socket)) {
        @Nullable JsonNode report = reportOfNew(client);
        if (report != null) {
          return report;
        }
      } else if (!launch.process().isAlive()) {
        // A daemon that somebody else started may have won the race: then that one is ours too.
        if (RunDirectory.answers(socket)) {
          return client.mount(order(), MOUNT_DEADLINE);
        }
        throw new CommandException(ExitCode.FAILED, launch.lastWords());
      }
      Thread.sleep(POLL_MILLIS);
    }
    launch.process().destroy();
    throw new CommandException(
        ExitCode.TIMEOUT,
        "the daemon did not come up within %d s: see %s"
            .formatted(START_DEADLINE.toSeconds(), launch.errors()));
  }

  /** As {@link #mountedReport}; where the mount has failed it goes, and its daemon with it. */
  private @Nullable JsonNode reportOfNew(AdminClient client)
      throws IOException, AdminException, CommandException {
    try {
      return mountedReport(client, path);
    } catch (CommandException e) {
      client.unmount(path.toString(), MOUNT_DEADLINE);
      throw e;
    }
  }

  /** Null while it is starting, or where it is not there. */
  static @Nullable JsonNode mountedReport(AdminClient client, Path path)
      throws IOException, AdminException, CommandException {
    for (JsonNode mount : client.status(Daemons.STATUS_DEADLINE).path("mounts")) {
      if (mount.path("path").asText().equals(path.toString())) {
        String state = mount.path("state").asText();
        if (state.equals("failed")) {
          throw new CommandException(ExitCode.FAILED, mount.path("reason").asText());
        }
        return state.equals("starting") ? null : mount;
      }
    }
    return null;
  }
}
