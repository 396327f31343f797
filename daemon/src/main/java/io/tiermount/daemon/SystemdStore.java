package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.os.UnixDatagram;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * systemd's descriptor store: sd_notify(3) FDSTORE and FDSTOREREMOVE to put and remove,
 * sd_listen_fds(3) to get them back. systemd keeps them over a restart of the service and gives
 * them up when it is stopped; it starts the next daemon.
 */
final class SystemdStore implements DescriptorStore {
  private static final Logger log = LoggerFactory.getLogger(SystemdStore.class);
  private static final int FIRST_FD = 3;
  private static final int F_DUPFD_CLOEXEC = 1030;

  private final String address;
  private final boolean follows;

  @GuardedBy("this")
  private final Map<String, Integer> kept = new TreeMap<>();

  private SystemdStore(String address, Map<String, Integer> kept) {
    this.address = address;
    synchronized (this) {
      this.kept.putAll(kept);
    }
    follows = !kept.isEmpty();
  }

  /**
   * True where a unit of ours asks for it; not by NOTIFY_SOCKET alone, since a service manager that
   * keeps nothing would leave dead mounts.
   *
   * @param environment TIERMOUNT_KEEPER and NOTIFY_SOCKET are read
   */
  static boolean isWanted(Map<String, String> environment) {
    return environment.getOrDefault("TIERMOUNT_KEEPER", "").equals("systemd")
        && !environment.getOrDefault("NOTIFY_SOCKET", "").isEmpty();
  }

  /**
   * What systemd has for this process; to be asked once.
   *
   * @param environment NOTIFY_SOCKET, LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES are read
   */
  static SystemdStore open(Map<String, String> environment) throws IOException {
    Map<String, Integer> given = new TreeMap<>();
    String pid = environment.getOrDefault("LISTEN_PID", "");
    if (pid.equals(Long.toString(ProcessHandle.current().pid()))) {
      int count = Integer.parseInt(environment.getOrDefault("LISTEN_FDS", "0"));
      String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
      for (int i = 0; i < count; i++) {
        int fd = FIRST_FD + i;
        int _ = LibC.fcntl(fd, LibC.F_SETFD, LibC.FD_CLOEXEC);
        if (i < names.length && names[i].matches("[a-z]+-[0-9]{1,18}")) {
          given.put(names[i], fd);
        } else {
          log.warn("systemd gave a descriptor that is none of ours: it stays as it is");
        }
      }
    }
    return new SystemdStore(environment.getOrDefault("NOTIFY_SOCKET", ""), given);
  }

  @Override
  public boolean survives() {
    return true;
  }

  @Override
  public boolean follows() {
    return follows;
  }

  @Override
  public synchronized Map<String, Integer> kept() {
    return Map.copyOf(kept);
  }

  @Override
  public synchronized void put(String name, int fd) throws IOException {
    int own = LibC.fcntl(fd, F_DUPFD_CLOEXEC, 0);
    try {
      // systemd would let go of one that polls as hung up, before the mount is known to be gone.
      UnixDatagram.send(address, "FDSTORE=1\nFDPOLL=0\nFDNAME=" + name, List.of(own));
    } catch (ErrnoException e) {
      LibC.close(own);
      throw e;
    }
    kept.put(name, own);
  }

  @Override
  public synchronized void remove(String name) throws IOException {
    Integer fd = kept.remove(name);
    if (fd != null) {
      UnixDatagram.send(address, "FDSTOREREMOVE=1\nFDNAME=" + name);
      LibC.close(fd);
    }
  }

  @Override
  public void ready() {}

  @Override
  public void end() {
    for (String name : kept().keySet()) {
      try {
        remove(name);
      } catch (IOException e) {
        log.warn("systemd could not be told to let go of {}", name, e);
      }
    }
  }
}
