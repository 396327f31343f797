package io.tiermount.daemon.cli;

import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.config.FstabOptions;
import io.tiermount.daemon.config.InvalidConfigException;
import io.tiermount.daemon.config.TiermountConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What mount(8) calls as mount.tiermount; its exit codes are mount(8)'s, not {@link ExitCode}. */
@Command(
    name = "mount-helper",
    hidden = true,
    description = "Mount as mount.tiermount does: for mount(8), /etc/fstab and systemd.")
final class MountHelperCommand implements Callable<Integer> {
  /** mount(8), "EXIT STATUS". */
  static final int INCORRECT_INVOCATION = 1;

  static final int MOUNT_FAILED = 32;

  /** linux/mount.h. */
  private static final long MS_REMOUNT = 32;

  private final Context context;

  @Parameters(index = "0", paramLabel = "SOURCE", description = "As of tiermount mount.")
  private String source = "";

  @Parameters(index = "1", paramLabel = "DIR", description = "Where.")
  private Path directory = Path.of("");

  @Option(names = "-o", paramLabel = "OPTIONS", description = "As in /etc/fstab.")
  private List<String> options = new ArrayList<>();

  @Option(names = "-s", description = "Leave out options that nobody knows.")
  private boolean sloppy;

  @Option(names = "-f", description = "Do all but the mount itself.")
  private boolean fake;

  @Option(names = "-n", description = "Has no effect: there is no /etc/mtab to write.")
  private boolean unusedNoMtab;

  @Option(names = "-v", description = "Say what is done.")
  private boolean verbose;

  @Option(names = "-t", paramLabel = "TYPE", description = "Has no effect: there is one.")
  private String unusedType = "";

  MountHelperCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() {
    try {
      return mount();
    } catch (InvalidConfigException e) {
      return ended(INCORRECT_INVOCATION, "mount.tiermount: " + e.getMessage());
    } catch (CommandException e) {
      boolean wrong = e.exitCode() == ExitCode.BAD_CONFIG || e.exitCode() == ExitCode.USAGE;
      return ended(
          wrong ? INCORRECT_INVOCATION : MOUNT_FAILED, "mount.tiermount: " + e.getMessage());
    } catch (Exception e) {
      return ended(MOUNT_FAILED, "mount.tiermount: " + directory + ": " + e.getMessage());
    }
  }

  private int mount() throws Exception {
    Path path = directory.toAbsolutePath().normalize();
    FstabOptions fstab = FstabOptions.parse(options, sloppy);
    TiermountConfig config = context.program().configuration(source, path, fstab.options());
    if (verbose) {
      context.out().printf("%s on %s, cache in %s%n", source, path, MountStart.cache(config));
    }
    if (fake) {
      return 0;
    }
    MountStart start = new MountStart(context, source, path, fstab.options());
    start.start(config, Supervision.ofSystemd(Path.of("/")));
    if (fstab.noexec()) {
      boolean readOnly = config.mounts().getFirst().volume().readOnly();
      long flags = MS_REMOUNT | LibC.MS_BIND | LibC.MS_NOSUID | LibC.MS_NODEV | LibC.MS_NOEXEC;
      LibC.mount("none", path.toString(), "none", readOnly ? flags | LibC.MS_RDONLY : flags, null);
    }
    return 0;
  }

  private int ended(int code, String message) {
    context.err().println(message);
    return code;
  }
}
