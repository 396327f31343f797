package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminClient;
import io.tiermount.daemon.admin.AdminException;
import io.tiermount.daemon.admin.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The daemons that run here, asked one after the other. */
final class Daemons {
  /** status reads counters only: longer means that the daemon hangs. */
  static final Duration STATUS_DEADLINE = Duration.ofSeconds(10);

  private final Context context;

  Daemons(Context context) {
    this.context = context;
  }

  /** One that listens, and what it said of itself. */
  record Found(AdminClient client, JsonNode report) {}

  /** All. One that does not answer is in the list with an {@code error} instead of its mounts. */
  List<Found> all() throws IOException {
    List<Found> found = new ArrayList<>();
    for (Path socket : context.runDirectory().sockets()) {
      AdminClient client = new AdminClient(socket, context.json());
      try {
        found.add(new Found(client, client.status(STATUS_DEADLINE)));
      } catch (AdminException | IOException e) {
        RunDirectory.Entry entry = context.runDirectory().entry(socket, context.json());
        found.add(
            new Found(
                client,
                context
                    .json()
                    .tree(
                        Map.of(
                            "pid",
                            entry.pid(),
                            "version",
                            entry.version(),
                            "cache",
                            Map.of("directory", entry.cacheDirectory()),
                            "mounts",
                            List.of(),
                            "error",
                            String.valueOf(e.getMessage())))));
      }
    }
    return found;
  }

  /** The one that has a mount on exactly this path. */
  Optional<Found> mountedAt(Path path) throws IOException {
    return all().stream().filter(found -> mountPaths(found).contains(path.toString())).findFirst();
  }

  /** The one with the mount that a path lies in, the deepest mount winning. */
  Optional<Found> holding(Path path) throws IOException {
    Optional<Found> best = Optional.empty();
    int depth = -1;
    for (Found found : all()) {
      for (String mount : mountPaths(found)) {
        if (!mount.isEmpty() && path.startsWith(mount) && Path.of(mount).getNameCount() > depth) {
          depth = Path.of(mount).getNameCount();
          best = Optional.of(found);
        }
      }
    }
    return best;
  }

  /**
   * Which daemon to ask about which paths.
   *
   * @throws CommandException where one lies in no mount
   */
  Map<AdminClient, List<String>> byDaemon(List<Path> paths) throws CommandException, IOException {
    Map<Long, AdminClient> clients = new LinkedHashMap<>();
    Map<AdminClient, List<String>> orders = new LinkedHashMap<>();
    for (Path each : paths) {
      Path path = each.toAbsolutePath().normalize();
      Found found =
          holding(path)
              .orElseThrow(() ->
                  new CommandException(
                      ExitCode.NOT_MOUNTED,
                      path + " does not lie in a mount: tiermount status lists them"));
      AdminClient client =
          clients.computeIfAbsent(found.report().path("pid").asLong(), _ -> found.client());
      orders.computeIfAbsent(client, _ -> new ArrayList<>()).add(path.toString());
    }
    return orders;
  }

  private static List<String> mountPaths(Found found) {
    List<String> paths = new ArrayList<>();
    found.report().path("mounts").forEach(mount -> paths.add(mount.path("path").asText()));
    return paths;
  }
}
