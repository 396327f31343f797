package io.tiermount.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.admin.AdminApi.DropOrder;
import io.tiermount.daemon.admin.AdminClient;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "recover",
    description =
        "What was written here and is no version of its file: it lost against another node, or was"
            + " never acknowledged.")
final class RecoverCommand implements Runnable {
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  @Spec private CommandSpec spec = CommandSpec.create();

  private RecoverCommand() {}

  static CommandLine line(Context context) {
    return new CommandLine(new RecoverCommand())
        .addSubcommand(new ListAll(context))
        .addSubcommand(new Save(context))
        .addSubcommand(new Drop(context));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "what of it? list, save, drop");
  }

  /** One that is kept, and who keeps it. */
  record Kept(AdminClient client, JsonNode lost) {
    String text(String field) {
      return lost.path(field).asText();
    }
  }

  /** What the daemons of this node keep; fails where one does not answer. */
  private static List<Kept> all(Context context) throws Exception {
    List<Daemons.Found> daemons = new Daemons(context).all();
    if (daemons.isEmpty()) {
      throw new CommandException(
          ExitCode.NOT_MOUNTED, "no daemon runs here: what is kept is its mounts' to say");
    }
    List<Kept> all = new ArrayList<>();
    for (Daemons.Found found : daemons) {
      for (JsonNode lost : found.client().lost(DEADLINE).path("lost")) {
        all.add(new Kept(found.client(), lost));
      }
    }
    return all;
  }

  @Command(name = "list", description = "Show id, path, size, when and why of each.")
  static final class ListAll implements Callable<Integer> {
    private final Context context;
    @Mixin private Output output = new Output();

    ListAll(Context context) {
      this.context = context;
    }

    @Override
    public Integer call() throws Exception {
      List<Kept> all = all(context);
      if (output.json()) {
        List<JsonNode> lost = all.stream().map(Kept::lost).toList();
        context.out().println(context.json().pretty(Map.of("lost", lost)));
        return ExitCode.OK.code();
      }
      Table table = new Table("ID", "PATH", "SIZE", "WHEN", "WHY");
      for (Kept each : all) {
        table.row(
            each.text("id"),
            each.text("path"),
            Amounts.bytes(each.lost.path("bytes").asLong()),
            each.text("lost_at"),
            each.text("reason"));
      }
      table.print(context.out());
      return ExitCode.OK.code();
    }
  }

  /** What names one. */
  abstract static class One implements Callable<Integer> {
    final Context context;
    @Mixin Output output = new Output();

    @Parameters(index = "0", paramLabel = "ID", description = "As tiermount recover list shows it.")
    private long id;

    @Option(
        names = "--mount",
        paramLabel = "DIR",
        description = "Its mount, where daemons of several caches keep one of that id.")
    private @Nullable Path mount;

    One(Context context) {
      this.context = context;
    }

    final Kept kept() throws Exception {
      String at = mount == null ? null : mount.toAbsolutePath().normalize().toString();
      List<Kept> found =
          all(context).stream()
              .filter(each -> each.lost.path("id").asLong() == id)
              .filter(each -> at == null || at.equals(each.text("mount")))
              .toList();
      if (found.isEmpty()) {
        throw new CommandException(
            ExitCode.NOT_MOUNTED,
            "nothing is kept as " + id + ": tiermount recover list shows all");
      }
      if (found.size() > 1) {
        throw new CommandException(
            ExitCode.USAGE,
            "%d is kept of several: name one by --mount %s"
                .formatted(
                    id, String.join(" or ", found.stream().map(k -> k.text("mount")).toList())));
      }
      return found.getFirst();
    }
  }

  @Command(name = "save", description = "Copy one to a new file; it stays in the list.")
  static final class Save extends One {
    @Parameters(index = "1", paramLabel = "FILE", description = "Must not be there yet.")
    private Path file = Path.of("");

    Save(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      Kept kept = kept();
      Path target = file.toAbsolutePath().normalize();
      copy(Path.of(kept.text("file")), target);
      if (output.json()) {
        context
            .out()
            .println(
                context.json().pretty(Map.of("saved", target.toString(), "of", kept.text("path"))));
      }
      return ExitCode.OK.code();
    }

    private static void copy(Path from, Path target) throws IOException, CommandException {
      try {
        Files.createFile(target);
      } catch (FileAlreadyExistsException e) {
        throw new CommandException(
            ExitCode.FAILED, target + " is there already: choose another name", e);
      }
      try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
          FileChannel out = FileChannel.open(target, StandardOpenOption.WRITE)) {
        long size = in.size();
        for (long at = 0; at < size; ) {
          long moved = in.transferTo(at, size - at, out);
          if (moved <= 0) {
            throw new IOException(from + " became shorter while it was copied");
          }
          at += moved;
        }
        out.force(true);
      } catch (IOException e) {
        Files.deleteIfExists(target);
        throw e;
      }
    }
  }

  @Command(name = "drop", description = "Delete one for good.")
  static final class Drop extends One {
    Drop(Context context) {
      super(context);
    }

    @Override
    public Integer call() throws Exception {
      Kept kept = kept();
      kept.client()
          .drop(new DropOrder(kept.text("mount"), kept.lost.path("id").asLong()), DEADLINE);
      if (output.json()) {
        context.out().println(context.json().pretty(Map.of("dropped", kept.text("path"))));
      }
      return ExitCode.OK.code();
    }
  }
}
