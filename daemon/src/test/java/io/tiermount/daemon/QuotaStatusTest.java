package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mount's quota as its operator sets and sees it: SEMANTICS S10, S12, S15. */
class QuotaStatusTest {
  @TempDir Path directory;
  private Tiermount tiermount = new Tiermount(Path.of("."), Map.of());
  private Path at = Path.of(".");

  @BeforeEach
  void start() throws IOException {
    tiermount = new Tiermount(directory, Map.of());
    at = Files.createDirectories(directory.resolve("mnt"));
    Files.createDirectories(directory.resolve("bucket/below"));
    Files.write(directory.resolve("bucket/outside"), new byte[1 << 20]);
    Files.write(directory.resolve("bucket/below/there"), new byte[100_000]);
  }

  @AfterEach
  void end() throws IOException {
    tiermount.close();
  }

  private void mount() throws Exception {
    assertThat(
            tiermount
                .mount(
                    "file://" + directory.resolve("bucket") + "?as=bucket",
                    at,
                    "prefix=below/,write.durability=local,quota.max_bytes=1MB,quota.warn_percent=50")
                .path("state")
                .asText())
        .isEqualTo("ready");
  }

  private JsonNode await(Predicate<JsonNode> condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      JsonNode quota = tiermount.mount().path("quota");
      if (condition.test(quota)) {
        return quota;
      }
      assertThat(System.nanoTime()).as("%s", quota).isLessThan(end);
    }
  }

  /** S15: what an operator sees; S12: a kill costs a count, and nothing is charged twice. */
  @Test
  void s15_status_warns_and_a_kill_leaves_no_wrong_count() throws Exception {
    mount();
    JsonNode quota = await(q -> q.has("counted_at"));
    assertThat(quota.path("used_bytes").asLong()).isEqualTo(100_000);
    assertThat(quota.path("max_bytes").asLong()).isEqualTo(1_000_000);
    assertThat(quota.path("warning").asBoolean()).isFalse();
    assertThat(tiermount.sh("head -c 700000 /dev/zero > '" + at + "/f'").code()).isZero();
    assertThat(tiermount.sh("head -c 700000 /dev/zero > '" + at + "/g'").err())
        .contains("Disk quota exceeded");
    quota = await(q -> q.path("warning").asBoolean());
    assertThat(quota.path("refused").asLong()).isPositive();
    assertThat(quota.path("percent").asInt()).isBetween(80, 100);
    ProcessHandle daemon = ProcessHandle.of(tiermount.daemon().path("pid").asLong()).orElseThrow();
    // Charged and acknowledged, and killed before anything may have been written down of it.
    assertThat(tiermount.sh("rm '" + at + "/g'; mv '" + at + "/f' '" + at + "/h'").code()).isZero();
    daemon.destroyForcibly();
    daemon.onExit().get(30, TimeUnit.SECONDS);
    String before = quota.path("counted_at").asText();
    mount();
    quota = await(q -> q.has("counted_at") && !q.path("counted_at").asText().equals(before));
    assertThat(quota.path("used_bytes").asLong()).isEqualTo(800_000);
    assertThat(quota.path("used_objects").asLong()).isEqualTo(2);
    assertThat(tiermount.run("umount", at.toString()).code()).isZero();
    tiermount.awaitNoDaemon();
    assertThat(directory.resolve("bucket/below/h")).hasSize(700_000);
  }
}
