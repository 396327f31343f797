package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** C28: what a notice makes the daemon do. */
final class SpotWatchTest {
  private final List<Duration> drained = new ArrayList<>();
  private Optional<String> said = Optional.empty();
  private boolean silent;
  private final SpotWatch watch =
      new SpotWatch(
          () -> {
            if (silent) {
              throw new IOException("nobody there");
            }
            return said;
          },
          deadline -> drained.add(deadline));

  @Test
  void c28_without_a_notice_nothing_is_drained() {
    watch.look();
    silent = true;
    watch.look();

    assertThat(drained).isEmpty();
  }

  @Test
  void c28_from_a_notice_on_every_look_sends_what_is_pending() {
    said = Optional.of("terminate");
    watch.look();
    assertThat(drained).containsExactly(Duration.ofSeconds(30));

    // It is not taken back: what is written meanwhile follows.
    said = Optional.empty();
    silent = true;
    watch.look();
    assertThat(drained).hasSize(2);
  }
}
