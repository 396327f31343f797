package io.tiermount.daemon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.daemon.admin.AdminApi.Progress;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ProgressLineTest {
  @Test
  void it_says_how_much_how_fast_and_how_long_still() {
    assertThat(
            ProgressLine.text(new Progress(3, 300L << 20, 10, 1000L << 20), Duration.ofSeconds(3)))
        .isEqualTo("3 of 10 files, 300.0 MiB of 1000.0 MiB, 100.0 MiB/s, 7 s left");
  }

  @Test
  void what_is_not_known_yet_is_left_out() {
    assertThat(ProgressLine.text(new Progress(3, 2048, 0, 0), Duration.ofSeconds(2)))
        .isEqualTo("3 files, 2.0 KiB, 1.0 KiB/s");
  }

  @Test
  void it_prints_only_where_it_is_wanted() {
    StringWriter text = new StringWriter();
    ProgressLine line = new ProgressLine(new PrintWriter(text), false);
    line.report(new Progress(1, 1, 1, 1));
    line.end();
    assertThat(text.toString()).isEmpty();
  }

  @Test
  void amounts_read_well() {
    assertThat(Amounts.bytes(1023)).isEqualTo("1023 B");
    assertThat(Amounts.bytes(1536)).isEqualTo("1.5 KiB");
    assertThat(Amounts.bytes(Long.MAX_VALUE)).isEqualTo("8.0 EiB");
    assertThat(Amounts.time(Duration.ofSeconds(200))).isEqualTo("3 min 20 s");
    assertThat(Amounts.time(Duration.ofMinutes(125))).isEqualTo("2 h 5 min");
  }
}
