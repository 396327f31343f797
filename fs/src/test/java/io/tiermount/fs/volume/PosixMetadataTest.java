package io.tiermount.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Version;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** SEMANTICS R9: metadata as s3fs writes it. */
class PosixMetadataTest {
  @Test
  void decimal_modes_owners_and_fractional_times_are_read() {
    PosixMetadata read =
        PosixMetadata.of(
            Map.of(
                "mode",
                "33188",
                "uid",
                "1000",
                "gid",
                "100",
                "mtime",
                "1700000000.123456789",
                "ctime",
                "1700000001",
                "atime",
                "1700000002.5"));
    assertThat(read)
        .isEqualTo(
            new PosixMetadata(
                0100644,
                1000,
                100,
                null,
                1_700_000_000_123_456_789L,
                1_700_000_001_000_000_000L,
                1_700_000_002_500_000_000L));
  }

  @Test
  void what_makes_no_sense_counts_as_absent() {
    PosixMetadata read =
        PosixMetadata.of(
            Map.of(
                "mode",
                "rw-r--r--",
                "uid",
                "-1",
                "gid",
                "",
                "mtime",
                "yesterday",
                "ctime",
                "1e99"));
    assertThat(read).isSameAs(PosixMetadata.NONE);
  }

  @Test
  void facts_survive_their_way_through_the_index() {
    PosixMetadata posix = new PosixMetadata(0100600, null, 5, null, 1L, null, -1L);
    Facts facts = new Facts(false, "a/ü", new Version("\"etag"), 1L << 40, 17, posix, 99);
    assertThat(FactsCodec.decode(FactsCodec.encode(facts))).isEqualTo(facts);
    Facts directory = Facts.implicit(null, 5);
    assertThat(FactsCodec.decode(FactsCodec.encode(directory))).isEqualTo(directory);
    Facts none = Facts.implicit(PosixMetadata.NONE, 5);
    assertThat(FactsCodec.decode(FactsCodec.encode(none))).isEqualTo(none);
  }

  @Test
  void damaged_facts_are_no_facts() {
    byte[] bytes = FactsCodec.encode(Facts.implicit(PosixMetadata.NONE, 5));
    for (int length = 0; length < bytes.length; length++) {
      FactsCodec.decode(Arrays.copyOf(bytes, length));
    }
    bytes[0] = 9;
    assertThat(FactsCodec.decode(bytes)).isNull();
  }
}
