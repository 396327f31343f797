package io.tiermount.fs.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NamesTest {
  @Test
  void any_bytes_survive_the_way_there_and_back() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[random.nextInt(12)];
      random.nextBytes(bytes);
      assertThat(Names.encode(Names.decode(bytes))).as("seed %d", seed).isEqualTo(bytes);
    }
  }

  @Test
  void valid_utf8_is_itself() {
    for (String name : new String[] {"plain", "größe", "日本", "😀 smile", ""}) {
      assertThat(Names.decode(name.getBytes(StandardCharsets.UTF_8))).isEqualTo(name);
      assertThat(Names.isUtf8(name)).isTrue();
    }
  }

  @Test
  void invalid_utf8_is_told_apart() {
    assertThat(Names.isUtf8(Names.decode(new byte[] {'a', (byte) 0xFF}))).isFalse();
    // A surrogate encoded as UTF-8 (CESU) is not valid UTF-8 either.
    byte[] cesu = {(byte) 0xED, (byte) 0xB2, (byte) 0x80};
    assertThat(Names.encode(Names.decode(cesu))).isEqualTo(cesu);
  }
}
