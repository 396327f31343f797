package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** SEMANTICS C19: no key lies. */
final class LaterKeysTest {
  @Test
  void c19_a_key_without_effect_is_named_with_file_and_line() throws InvalidConfigException {
    List<String> notices =
        ConfigText.parse(
                """
                google.storage {
                  project = acme
                }
                """)
            .notices();

    assertThat(notices)
        .singleElement()
        .asString()
        .contains("google.storage.project (")
        .contains(".conf:2)")
        .endsWith(Key.Effect.WITH_STORES.text());
  }

  @Test
  void c19_a_key_with_effect_is_not() throws InvalidConfigException {
    assertThat(ConfigText.parse("memory.max = 1G").notices()).isEmpty();
  }
}
