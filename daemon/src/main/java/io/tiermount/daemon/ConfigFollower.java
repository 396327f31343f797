package io.tiermount.daemon;

import io.tiermount.backends.os.FileStamps;
import io.tiermount.daemon.config.InvalidConfigException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reloads by itself when files change: those of the configuration where {@code reload_config} says
 * so, those of secrets always (a volume waits for its secret, and keys are rotated in them). Looks
 * every second, by stamps rather than by inotify, which sees neither a swapped link above a file
 * nor a network file system. A change counts once it has rested for a look, so that no half-written
 * file is read.
 */
final class ConfigFollower {
  private static final Logger log = LoggerFactory.getLogger(ConfigFollower.class);
  private static final long LOOK_MILLIS = 1_000;

  private final Reload reload;

  /** What a change looked like at the last look. Of the timer's thread. */
  private FileStamps seen = FileStamps.none();

  private boolean warned;

  private final ScheduledExecutorService timer;

  ConfigFollower(Reload reload, ScheduledExecutorService timer) {
    this.reload = reload;
    this.timer = timer;
  }

  Reload reload() {
    return reload;
  }

  /** The first mounts are up: from now on files are followed, and SIGHUP is heard. */
  void begin() {
    var _ =
        timer.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    Signals.onHangup(this::run);
  }

  /** One look; a timer ends its task at the first exception, so none leaves it. */
  void look() {
    try {
      boolean changed = reload.filesChanged();
      boolean due = (changed && reload.follows()) || reload.secretsChanged();
      FileStamps now = due ? reload.stamps() : FileStamps.none();
      boolean rests = now.equals(seen);
      seen = now;
      if (!due || !rests) {
        return;
      }
      if (changed && !reload.follows()) {
        if (!warned) {
          log.warn(
              "a secret changed, and so did the configuration, which is not followed:"
                  + " tiermount reload takes both");
        }
        warned = true;
        return;
      }
      warned = false;
      run();
    } catch (RuntimeException e) {
      log.error("the configuration's files could not be looked at", e);
    }
  }

  /** Reloads, and says in the log what came of it. Any thread. */
  void run() {
    try {
      var _ = reload.run();
    } catch (InvalidConfigException e) {
      log.error("not reloaded, the configuration is refused:\n{}", e.getMessage());
    }
  }
}
