package io.tiermount.daemon;

import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.fs.fuse.Connection;
import io.tiermount.fs.volume.Backlog;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One way of mounting: a bind mount, or objects through a transport. Made by {@code Wiring}, owned
 * by {@link Mounts}, which calls start once and stop once, from different threads.
 */
interface MountDriver {
  /**
   * Mounts; when it returns, the mount answers. Contacts no store: a mount comes up with its store
   * down.
   *
   * @throws IOException with what failed, where, and what to do; nothing is left mounted
   */
  void start() throws IOException;

  /**
   * Goes on with a mount that an earlier process made, instead of {@link #start}.
   *
   * @param connection to the kernel; null for a mount that has none
   * @throws IOException where it can't; the mount is then useless
   */
  void resume(@Nullable Connection connection) throws IOException;

  /** What a successor needs to go on with it; null where it needs nothing, or can't. */
  @Nullable Connection connection();

  /** False where the mount is dead without this process, and no successor can change that. */
  boolean canBeLeft();

  /** Ends without unmounting: a successor goes on with it. */
  void leave();

  /**
   * Drains and unmounts, lazily where it is busy; what can't be drained by the deadline is left.
   * Always ends shortly after the deadline.
   */
  void stop(Duration deadline);

  /**
   * Takes another configuration's place under open files, where only what can change so differs.
   *
   * @return false where the mount has to be made anew for it; nothing was changed
   */
  boolean change(MountConfig next);

  /**
   * Sends what is pending and unmounts, unless somebody uses the mount; {@link #stop} comes after.
   *
   * @return why it stays as it was; null where it is unmounted
   */
  @Nullable String release(Duration deadline);

  /** False where files are local anyway and {@link #evict} makes no sense. */
  boolean cached();

  /**
   * Drops the clean content of a file, or of all files below a directory, from the cache. Files
   * that are open keep what they have; {@code problems} names what had to stay.
   *
   * @param inside relative to the mount; "" is the whole mount
   */
  CacheResult evict(Path inside) throws IOException;

  /** Sends what is pending for at most so long, and goes on; true where nothing is left to send. */
  default boolean drain(Duration deadline) {
    return true;
  }

  /** What its store does not have yet; null where it is read-only, or local anyway. */
  default @Nullable Backlog backlog() {
    return null;
  }

  /** What the watchdog looks at; null where the kernel alone carries the mount. */
  default @Nullable Watched watched() {
    return null;
  }

  /** Requests under way, and whether they get on. */
  interface Watched {
    /** Changes while the store moves anything. */
    long progress();

    /** How many requests have been under way for longer. */
    int stuck(Duration longerThan);

    /**
     * Ends such requests with EIO.
     *
     * @return how many were told so for the first time
     */
    int end(Duration longerThan);
  }

  /** Counters and the store's health, from memory. */
  Report report();

  /**
   * What status shows.
   *
   * @param transport bind, dev or libfuse
   * @param passthroughOff why passthrough is off; null where it is on
   * @param degraded what is wrong with the store and since when; null where nothing is
   */
  record Report(
      String transport,
      boolean passthrough,
      @Nullable String passthroughOff,
      @Nullable String degraded,
      Map<String, Object> counters) {}
}
