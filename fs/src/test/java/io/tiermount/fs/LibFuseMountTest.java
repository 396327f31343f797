package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.fuse.FuseTransport;
import io.tiermount.fs.fuse.libfuse.JnrFuseTransport;
import io.tiermount.fs.fuse.libfuse.LibFuseOptions;
import java.io.RandomAccessFile;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** SEMANTICS R35: the same names, attributes and bytes over libfuse 2. */
final class LibFuseMountTest extends NamesOnMountContract {
  @Override
  FuseTransport transport() {
    Duration ttl = Options.USUAL.ttl();
    return new JnrFuseTransport(new LibFuseOptions(ttl, ttl, Duration.ZERO));
  }

  @Test
  void r35_every_byte_is_right_in_order_and_at_random_cold_and_cached() throws Exception {
    byte[] big = Bucket.bytes((9 << 20) + 17, 2);
    bucket.put("big", big).put("empty", new byte[0]).put("d/small", "hello");
    try (MountFixture mount = mount()) {
      assertThat(mount.kernel().passthrough()).isFalse();
      long seed = new Random().nextLong();
      Random random = new Random(seed);
      try (RandomAccessFile file = new RandomAccessFile(mount.path("big"), "r")) {
        assertThat(file.length()).isEqualTo(big.length);
        for (int i = 0; i < 50; i++) {
          int from = random.nextInt(big.length);
          byte[] part = new byte[random.nextInt(Math.min(200_000, big.length - from))];
          file.seek(from);
          file.readFully(part);
          assertThat(Arrays.equals(part, Arrays.copyOfRange(big, from, from + part.length)))
              .as("seed %d, %d bytes at %d", seed, part.length, from)
              .isTrue();
        }
      }
      for (int i = 0; i < 2; i++) {
        assertThat(mount.cat("big")).isEqualTo(big);
        assertThat(mount.cat("empty")).isEmpty();
        assertThat(mount.sh("cat d/small").text()).isEqualTo("hello");
        MountFixture.dropKernelCaches();
      }
      bucket.calls().drain();
      assertThat(mount.cat("big")).as("R15: cached").isEqualTo(big);
      assertThat(bucket.calls().drain()).isEmpty();
    }
  }
}
