package io.tiermount.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** SEMANTICS R4 to R7: every key has one name, and no two the same. */
class KeyNamesTest {
  @Test
  void ordinary_segments_are_their_own_names() {
    for (String segment :
        new String[] {"a", "a b", "größe", "100%", "%20", ".hidden", "...", "a\nb", "%tm"}) {
      assertThat(KeyNames.name(segment)).isEqualTo(segment);
      assertThat(KeyNames.parse(segment)).isEqualTo(KeyNames.Target.of(segment));
    }
  }

  @Test
  void segments_that_a_directory_cannot_hold_are_escaped() {
    assertThat(KeyNames.name("")).isEqualTo("%tm.empty");
    assertThat(KeyNames.name(".")).isEqualTo("%tm.dot");
    assertThat(KeyNames.name("..")).isEqualTo("%tm.dotdot");
    assertThat(KeyNames.name("a\0b")).isEqualTo("a%tm.nul.b");
    assertThat(KeyNames.name("%tm.empty")).isEqualTo("%tm.esc.empty");
    assertThat(KeyNames.shadowedName("a")).isEqualTo("a%tm.object");
  }

  @Test
  void a_long_segment_keeps_its_beginning_and_fits() {
    String segment = "ü".repeat(400);
    String name = KeyNames.name(segment);
    assertThat(name.getBytes(StandardCharsets.UTF_8).length).isLessThanOrEqualTo(255);
    assertThat(name).startsWith("üüü").contains("%tm.long.");
    KeyNames.Target target = KeyNames.parse(name);
    assertThat(target).isNotNull();
    assertThat(target.segment()).isNull();
    assertThat(segment).startsWith(target.beginning());
    assertThat(KeyNames.name(segment + "x")).isNotEqualTo(name);
  }

  @Test
  void names_we_never_write_stand_for_nothing() {
    for (String name :
        new String[] {"%tm.", "%tm.nothing", "a%tm.empty", "%tm.self", "%tm.emptyb", "a\uDC80"}) {
      assertThat(KeyNames.parse(name)).as(name).isNull();
    }
  }

  @Test
  void every_segment_has_one_name_and_every_name_one_segment() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String[] parts = {
      "%tm.", "%tm.esc.", "%tm.object", "%tm.empty", "nul.", "\0", ".", "a", "%", "é"
    };
    Map<String, String> segments = new HashMap<>();
    for (int i = 0; i < 50_000; i++) {
      StringBuilder segment = new StringBuilder();
      for (int n = random.nextInt(5); n > 0; n--) {
        segment.append(parts[random.nextInt(parts.length)]);
      }
      for (boolean object : new boolean[] {false, true}) {
        String whole = segment.toString();
        String name = object ? KeyNames.shadowedName(whole) : KeyNames.name(whole);
        String before = segments.putIfAbsent(name, whole + object);
        assertThat(before).as("seed %d, %s", seed, name).isIn(null, whole + object);
        assertThat(KeyNames.parse(name))
            .as("seed %d, segment %s", seed, whole)
            .isEqualTo(new KeyNames.Target(whole, null, null, object));
      }
    }
  }
}
