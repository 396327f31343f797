package io.tiermount.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** SEMANTICS C11: which objects are never cached. */
final class DirectAccessTest {
  private static final String BASE = "s3://bucket/pre/";

  @ParameterizedTest
  @CsvSource({
    "s3://*, true",
    "s3://bucket/*, true",
    "s3://bucket/pre/raw/*, true",
    "s3://bucket/pre/raw/a.bin, true",
    "s3://bucket/pre/raw/?.bin, true",
    "s3://bucket/pre/raw/[a-c].bin, true",
    "s3://bucket/pre/raw/[!a-c].bin, false",
    "s3://bucket/pre/raw, false",
    "s3://bucket2/*, false",
    "S3://bucket/*, false",
    "file://*, false",
    "*.bin, true",
    "*.(bin|x), false",
    "s3://bucket/pre/raw/a[.]bin, true",
  })
  void globs_are_of_whole_urls_and_a_star_stands_for_slashes(String glob, boolean covered) {
    DirectAccess direct = new DirectAccess(BASE, List.of(glob), List.of());

    assertThat(direct.covers("raw/a.bin", null)).isEqualTo(covered);
  }

  @ParameterizedTest
  @CsvSource({
    "video/*, video/mp4, true",
    "video/*, VIDEO/MP4, true",
    "video/mp4, video/mp4; codecs=x, true",
    "video/*, audio/mp4, false",
    "video/*, , false",
  })
  void globs_of_media_types_match_the_type_without_its_parameters(
      String glob, String type, boolean covered) {
    DirectAccess direct = new DirectAccess(BASE, List.of(), List.of(glob));

    assertThat(direct.covers("raw/a.bin", type)).isEqualTo(covered);
    assertThat(direct.asksForTypes()).isTrue();
  }

  @Test
  void without_globs_everything_is_cached() {
    assertThat(DirectAccess.NONE.covers("a", "video/mp4")).isFalse();
  }
}
