package io.tiermount.fs.fuse.select;

import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.dev.DevFuseTransport;
import io.tiermount.fs.fuse.libfuse.JnrFuseTransport;
import io.tiermount.fs.fuse.libfuse.LibFuseOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the transport that a mount gets. */
public final class FuseTransports {
  private static final Logger log = LoggerFactory.getLogger(FuseTransports.class);
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final int CAP_SYS_ADMIN = 21;
  private static final int HEX = 16;

  private FuseTransports() {}

  /**
   * Chooses by {@code options.transport()} and logs what and why. Not started.
   *
   * @param timeouts what libfuse 2 would take for the whole mount
   */
  public static FuseTransport choose(FuseOptions options, LibFuseOptions timeouts) {
    TransportChoice choice = TransportChoice.of(options.transport(), thisMachine());
    log.info("FUSE transport {} ({})", choice.dev() ? "dev" : "libfuse", choice.reason());
    if (!choice.dev() && options.open() == FuseOptions.Open.SKIP) {
      log.warn("fuse.open = skip has no effect with libfuse 2: it answers every OPEN");
    }
    return choice.dev() ? new DevFuseTransport() : new JnrFuseTransport(timeouts);
  }

  /** Tries. */
  public static TransportChoice.Machine thisMachine() {
    String device = "";
    try {
      LibC.close(LibC.open("/dev/fuse", LibC.O_RDWR | LibC.O_CLOEXEC, 0));
    } catch (ErrnoException e) {
      device = String.valueOf(e.getMessage());
    }
    return new TransportChoice.Machine(device, mayMount());
  }

  /** From the effective capabilities (proc_pid_status(5)); where they can't be read: root may. */
  private static boolean mayMount() {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith("CapEff:"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .anyMatch(bits -> (Long.parseUnsignedLong(bits, HEX) >> CAP_SYS_ADMIN & 1) == 1);
    } catch (IOException e) {
      log.debug("{} can't be read", STATUS, e);
      return LibC.getuid() == 0;
    }
  }
}
