package io.tiermount.daemon;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.os.MemoryFile;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.Json;
import io.tiermount.fs.fuse.Connection;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The mounts that a successor of this process is to go on with: their descriptors, and a
 * description of all in a file without a name beside them (mount orders carry credentials, which
 * belong on no disk). Safe from any thread.
 */
final class KeptMounts {
  private static final Logger log = LoggerFactory.getLogger(KeptMounts.class);
  private static final String DESCRIPTION = "mounts-";
  private static final int F_DUPFD_CLOEXEC = 1030;

  /**
   * One mount.
   *
   * @param source as {@link MountRecord} has it
   * @param order how it was asked for; null where the configuration has it
   * @param wire null for a bind mount
   */
  record Kept(
      String path,
      String source,
      boolean readOnly,
      @Nullable MountOrder order,
      @Nullable Wire wire) {}

  /** A {@link Connection} whose descriptor has a name. */
  record Wire(
      String descriptor, String device, int minor, int flags, int flags2, String passthroughOff) {}

  /** What the description holds. */
  record Content(List<Kept> mounts) {}

  private final DescriptorStore store;
  private final Json json;

  @GuardedBy("this")
  private final Map<Path, Kept> mounts = new TreeMap<>();

  /** Those of an earlier process that nobody has claimed yet. */
  @GuardedBy("this")
  private final Set<Path> unclaimed;

  @GuardedBy("this")
  private long number;

  KeptMounts(DescriptorStore store, Json json) {
    this.store = store;
    this.json = json;
    synchronized (this) {
      read();
      unclaimed = new TreeSet<>(mounts.keySet());
    }
  }

  @GuardedBy("this")
  private void read() {
    String newest = null;
    for (String name : store.kept().keySet()) {
      long its = Long.parseLong(name.substring(name.indexOf('-') + 1));
      number = Math.max(number, its);
      if (name.startsWith(DESCRIPTION)
          && (newest == null || its > Long.parseLong(newest.substring(DESCRIPTION.length())))) {
        newest = name;
      }
    }
    Integer fd = newest == null ? null : store.kept().get(newest);
    if (fd == null) {
      return;
    }
    try {
      String text = new String(MemoryFile.read(fd), StandardCharsets.UTF_8);
      for (Kept kept : json.parse(text, Content.class).mounts()) {
        if (kept.wire() == null || store.kept().containsKey(kept.wire().descriptor())) {
          mounts.put(Path.of(kept.path()), kept);
        }
      }
    } catch (IOException e) {
      log.error("what the daemon before this one had mounted can't be read", e);
    }
  }

  /** True where this process follows another one. */
  boolean follows() {
    return store.follows();
  }

  boolean survives() {
    return store.survives();
  }

  /** Those of an earlier process that are still there to be gone on with. */
  synchronized Map<Path, Kept> unclaimed() {
    Map<Path, Kept> left = new TreeMap<>(mounts);
    left.keySet().retainAll(unclaimed);
    return left;
  }

  /**
   * What an earlier process had at a path, given out once; null where it had nothing, or something
   * else.
   */
  synchronized @Nullable Kept claim(Path path, String source, boolean readOnly) {
    Kept kept = mounts.get(path);
    if (kept == null || !unclaimed.contains(path)) {
      return null;
    }
    if (!kept.source().equals(source) || kept.readOnly() != readOnly) {
      return null;
    }
    unclaimed.remove(path);
    return kept;
  }

  /** The connection of a claimed mount, over a descriptor of the caller's own. */
  @Nullable Connection connection(Kept kept) throws IOException {
    Wire wire = kept.wire();
    Integer fd = wire == null ? null : store.kept().get(wire.descriptor());
    if (wire == null || fd == null) {
      return null;
    }
    return new Connection(
        LibC.fcntl(fd, F_DUPFD_CLOEXEC, 0),
        wire.device(),
        wire.minor(),
        wire.flags(),
        wire.flags2(),
        wire.passthroughOff());
  }

  /** A new mount is up. Where it can't be kept it works, and ends with this process. */
  synchronized void keep(
      Path path,
      String source,
      boolean readOnly,
      @Nullable MountOrder order,
      @Nullable Connection connection) {
    if (!store.survives()) {
      return;
    }
    try {
      Wire wire = null;
      if (connection != null) {
        String name = "fuse-" + ++number;
        store.put(name, connection.fd());
        wire =
            new Wire(
                name,
                connection.device(),
                connection.minor(),
                connection.flags(),
                connection.flags2(),
                connection.passthroughOff());
      }
      mounts.put(path, new Kept(path.toString(), source, readOnly, order, wire));
      describe();
    } catch (IOException e) {
      log.warn("{} would not survive a restart of the daemon: {}", path, e.getMessage());
    }
  }

  /** It is about to be unmounted: its connection must end with it. */
  synchronized void drop(Path path) {
    unclaimed.remove(path);
    Kept kept = mounts.remove(path);
    if (kept == null) {
      return;
    }
    try {
      describe();
      if (kept.wire() != null) {
        store.remove(kept.wire().descriptor());
      }
    } catch (IOException e) {
      log.warn("{} could not be taken out of what is kept", path, e);
    }
  }

  @GuardedBy("this")
  private void describe() throws IOException {
    List<String> old = new ArrayList<>(store.kept().keySet());
    old.removeIf(name -> !name.startsWith(DESCRIPTION));
    byte[] text =
        json.line(new Content(List.copyOf(mounts.values()))).getBytes(StandardCharsets.UTF_8);
    int fd = MemoryFile.create("tiermount-mounts", text);
    try {
      store.put(DESCRIPTION + ++number, fd);
    } finally {
      LibC.close(fd);
    }
    for (String name : old) {
      store.remove(name);
    }
  }

  /** All mounts answer. */
  void ready() {
    try {
      store.ready();
    } catch (IOException e) {
      log.warn("the keeper could not be told that the daemon is up", e);
    }
  }

  /** A real end. */
  void end() {
    store.end();
  }
}
