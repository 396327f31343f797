package io.tiermount.fs.fuse.select;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.fuse.FuseOptions.Transport;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.libfuse.LibFuseOptions;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class TransportChoiceTest {
  private static final TransportChoice.Machine ROOT = new TransportChoice.Machine("", true);
  private static final TransportChoice.Machine USER = new TransportChoice.Machine("", false);
  private static final TransportChoice.Machine CLOSED =
      new TransportChoice.Machine("open(/dev/fuse): EACCES (Permission denied)", true);

  @Test
  void auto_takes_dev_where_it_can_and_libfuse_where_not() {
    assertThat(TransportChoice.of(Transport.AUTO, ROOT).dev()).isTrue();
    assertThat(TransportChoice.of(Transport.AUTO, USER).dev()).isFalse();
    assertThat(TransportChoice.of(Transport.AUTO, CLOSED).dev()).isFalse();
  }

  @Test
  void what_is_configured_is_taken_whatever_the_machine() {
    assertThat(TransportChoice.of(Transport.DEV, CLOSED).dev()).isTrue();
    assertThat(TransportChoice.of(Transport.LIBFUSE, ROOT).dev()).isFalse();
  }

  @Test
  void the_reason_names_what_decided() {
    assertThat(TransportChoice.of(Transport.AUTO, USER).reason()).contains("CAP_SYS_ADMIN");
    assertThat(TransportChoice.of(Transport.AUTO, CLOSED).reason()).contains("EACCES");
    assertThat(TransportChoice.of(Transport.LIBFUSE, ROOT).reason())
        .contains("fuse.transport = libfuse");
  }

  @Test
  void each_choice_is_a_transport_of_that_name() {
    LibFuseOptions timeouts =
        new LibFuseOptions(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ZERO);
    for (Transport configured : new Transport[] {Transport.DEV, Transport.LIBFUSE}) {
      FuseOptions options = new FuseOptions(configured, true, FuseOptions.Open.NORMAL);
      try (FuseTransport transport = FuseTransports.choose(options, timeouts)) {
        assertThat(transport.name()).isEqualTo(configured == Transport.DEV ? "dev" : "libfuse");
      }
    }
  }
}
