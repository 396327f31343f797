package io.tiermount.daemon;

import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.UnixDatagram;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd how the daemon does (sd_notify(3)); silent where nobody listens. Safe from any
 * thread.
 */
final class SystemdNotify {
  private static final Logger log = LoggerFactory.getLogger(SystemdNotify.class);

  private final String address;
  private final long watchdogMicros;

  /**
   * @param environment NOTIFY_SOCKET and WATCHDOG_USEC are read
   */
  SystemdNotify(Map<String, String> environment) {
    address = environment.getOrDefault("NOTIFY_SOCKET", "");
    String micros = environment.getOrDefault("WATCHDOG_USEC", "");
    watchdogMicros = micros.matches("[0-9]{1,18}") ? Long.parseLong(micros) : 0;
  }

  /** All mounts are up, or have failed. */
  void ready(String status) {
    send("READY=1\nSTATUS=" + status);
  }

  /** The end has begun. */
  void stopping() {
    send("STOPPING=1\nSTATUS=unmounting");
  }

  /** Half of the watchdog's time; zero where there is none. */
  Duration watchdogPeriod() {
    return Duration.ofNanos(TimeUnit.MICROSECONDS.toNanos(watchdogMicros / 2));
  }

  /** One line for {@code systemctl status}. */
  void status(String status) {
    send("STATUS=" + status);
  }

  /** The daemon works: systemd's watchdog starts to count anew. */
  void alive() {
    send("WATCHDOG=1");
  }

  /** False where nobody listens. */
  boolean isHeard() {
    return !address.isEmpty();
  }

  private void send(String message) {
    if (address.isEmpty()) {
      return;
    }
    try {
      UnixDatagram.send(address, message);
    } catch (ErrnoException e) {
      log.warn("systemd could not be told", e);
    }
  }
}
