package io.tiermount.daemon.cli;

import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.admin.AdminApi.ProgressSink;
import java.io.PrintWriter;
import java.time.Duration;

/** Progress of long work on one line of a terminal: how much, how fast, how long still. */
final class ProgressLine implements ProgressSink {
  private final PrintWriter err;
  private final boolean shown;
  private final long beganNanos = System.nanoTime();
  private int width;

  /**
   * @param shown false prints nothing
   */
  ProgressLine(PrintWriter err, boolean shown) {
    this.err = err;
    this.shown = shown;
  }

  @Override
  public void report(Progress progress) {
    if (!shown) {
      return;
    }
    String text = text(progress, Duration.ofNanos(System.nanoTime() - beganNanos));
    err.print("\r" + text + " ".repeat(Math.max(0, width - text.length())));
    err.flush();
    width = text.length();
  }

  /** Ends the line. */
  void end() {
    if (shown && width > 0) {
      err.println();
      err.flush();
    }
  }

  static String text(Progress progress, Duration elapsed) {
    double seconds = Math.max(0.001, elapsed.toNanos() / 1e9);
    double rate = progress.bytes() / seconds;
    StringBuilder text = new StringBuilder();
    text.append(progress.files());
    if (progress.totalFiles() > 0) {
      text.append(" of ").append(progress.totalFiles());
    }
    text.append(" files, ").append(Amounts.bytes(progress.bytes()));
    if (progress.totalBytes() > 0) {
      text.append(" of ").append(Amounts.bytes(progress.totalBytes()));
    }
    text.append(", ").append(Amounts.bytes((long) rate)).append("/s");
    if (progress.totalBytes() > progress.bytes() && rate > 0) {
      long left = (long) ((progress.totalBytes() - progress.bytes()) / rate);
      text.append(", ").append(Amounts.time(Duration.ofSeconds(left))).append(" left");
    }
    return text.toString();
  }
}
