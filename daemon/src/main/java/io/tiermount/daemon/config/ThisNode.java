package io.tiermount.daemon.config;

import io.tiermount.backends.os.Accounts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;

/** The node that the daemon runs on, read from {@code /proc} and {@code /etc} when asked. */
public final class ThisNode implements NodeFacts {
  // login.defs: accounts of people.
  private static final int FIRST_UID = 1000;
  private static final int LAST_UID = 60_000;
  private static final List<String> DISK_FILE_SYSTEMS = List.of("ext4", "xfs", "btrfs");

  private final Path root;
  private final Supplier<Accounts> accounts;

  /** The real one. */
  public ThisNode() {
    this(Path.of("/"), Accounts::new);
  }

  /**
   * @param root where {@code proc} and {@code etc} are
   * @param accounts made at the first name: most configurations have none
   */
  ThisNode(Path root, Supplier<Accounts> accounts) {
    this.root = root;
    this.accounts = accounts;
  }

  @Override
  public String hostname() {
    return read("proc/sys/kernel/hostname").strip();
  }

  @Override
  public int uid() {
    return own("unix:uid");
  }

  @Override
  public int gid() {
    return own("unix:gid");
  }

  private static int own(String attribute) {
    try {
      return (int) Files.getAttribute(Path.of("/proc/self"), attribute);
    } catch (IOException e) {
      throw new UncheckedIOException("/proc is not mounted", e);
    }
  }

  @Override
  public OptionalInt uidOf(String user) {
    return accounts.get().uidOf(user);
  }

  @Override
  public OptionalInt gidOf(String group) {
    return accounts.get().gidOf(group);
  }

  /** Counts /etc/passwd: users that a directory service adds are not listed anywhere. */
  @Override
  public boolean severalUsers() {
    return read("etc/passwd").lines().filter(ThisNode::isPerson).count() > 1;
  }

  private static boolean isPerson(String line) {
    String[] fields = line.split(":", -1);
    if (fields.length < 7 || !fields[2].matches("\\d{1,9}")) {
      return false;
    }
    int uid = Integer.parseInt(fields[2]);
    boolean canLogIn = !fields[6].endsWith("/nologin") && !fields[6].endsWith("/false");
    return uid >= FIRST_UID && uid <= LAST_UID && canLogIn;
  }

  /** The first NVMe file system mounted below /mnt, or at a name that says scratch or nvme. */
  @Override
  public Optional<Path> nvmeDirectory() {
    return read("proc/self/mounts")
        .lines()
        .map(line -> line.split(" ", -1))
        .filter(fields -> fields.length > 2 && fields[0].startsWith("/dev/nvme"))
        .filter(fields -> DISK_FILE_SYSTEMS.contains(fields[2]))
        .map(fields -> fields[1])
        .filter(path -> path.startsWith("/mnt") || path.matches("/(nvme|scratch|local)[^/]*(/.*)?"))
        .map(path -> Path.of(path).resolve("tiermount"))
        .findFirst();
  }

  private String read(String file) {
    try {
      // Bytes first: files of /proc say that they are empty.
      byte[] bytes = Files.readAllBytes(root.resolve(file));
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }
}
