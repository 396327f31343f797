package io.tiermount.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** R4, for whole keys. */
final class KeyPathTest {
  @Test
  void a_keys_path_is_read_back_as_the_key() {
    for (String key : List.of("", "a", "a/b", "a//b", "/a", "./..", "a/%tm.x", "ü/\0", " / ")) {
      assertThat(KeyPath.key(KeyPath.of(key))).as(key).contains(key);
    }
  }

  @Test
  void a_directorys_slash_is_no_name() {
    assertThat(KeyPath.of("a/b/")).isEqualTo("a/b");
    assertThat(KeyPath.of("a//")).isEqualTo("a/%tm.empty");
  }

  @Test
  void the_content_of_a_marker_has_the_key_of_its_directory() {
    assertThat(KeyPath.key("a/%tm.self")).contains("a/");
    assertThat(KeyPath.key("a%tm.object")).contains("a");
  }

  @Test
  void a_cut_name_and_one_that_is_never_written_have_no_key() {
    assertThat(KeyPath.key(KeyPath.of("x".repeat(300)))).isEmpty();
    assertThat(KeyPath.key("a/%tm.what")).isEmpty();
  }
}
