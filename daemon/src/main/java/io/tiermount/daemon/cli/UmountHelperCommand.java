package io.tiermount.daemon.cli;

import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What umount(8) calls as umount.fuse.tiermount: so that it drains, too. */
@Command(
    name = "umount-helper",
    hidden = true,
    description = "Unmount as umount.fuse.tiermount does: for umount(8) and systemd.")
final class UmountHelperCommand implements Callable<Integer> {
  private final Context context;

  @Parameters(paramLabel = "DIR", description = "Where it is mounted.")
  private Path directory = Path.of("");

  @Option(
      names = {"-n", "-l", "-f", "-v", "-r"},
      description = "Have no effect: it always drains first, and ends.")
  private boolean unusedFlag;

  @Option(names = "-t", paramLabel = "TYPE", description = "Has no effect: there is one.")
  private String unusedType = "";

  UmountHelperCommand(Context context) {
    this.context = context;
  }

  @Override
  public Integer call() {
    Path path = directory.toAbsolutePath().normalize();
    try {
      if (!UmountCommand.unmount(context, path)) {
        // A living mount of a daemon that this user can't ask: umount(8) without its helper.
        LibC.umount2(path.toString(), LibC.UMOUNT_NOFOLLOW);
      }
      return 0;
    } catch (ErrnoException e) {
      context.err().println("umount.fuse.tiermount: " + e.getMessage());
    } catch (Exception e) {
      context.err().println("umount.fuse.tiermount: " + path + ": " + e.getMessage());
    }
    return MountHelperCommand.MOUNT_FAILED;
  }
}
