package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.daemon.Tiermount.Ended;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * What was written, until the store has it: SEMANTICS W13, W14, W15. One mount for all tests, since
 * starting daemons is what costs here.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SyncTest {
  private Path directory = Path.of("");
  private Tiermount tiermount = new Tiermount(Path.of("."), Map.of());
  private Path at = Path.of(".");
  private Path bucket = Path.of(".");

  @BeforeAll
  void start(@TempDir Path forAll) throws Exception {
    directory = forAll;
    tiermount = new Tiermount(directory, Map.of());
    at = Files.createDirectories(directory.resolve("mnt"));
    bucket = Files.createDirectories(directory.resolve("bucket"));
    mount();
  }

  @AfterAll
  void end() throws IOException {
    tiermount.close();
  }

  private void mount() throws Exception {
    assertThat(
            tiermount
                .mount(
                    "file://" + bucket + "?as=bucket",
                    at,
                    "write.durability=local,write.max_dirty_age=1h")
                .path("state")
                .asText())
        .isEqualTo("ready");
  }

  private JsonNode synced(int code, String... arguments) throws Exception {
    String[] command = new String[arguments.length + 2];
    command[0] = "sync";
    command[1] = "--json";
    System.arraycopy(arguments, 0, command, 2, arguments.length);
    Ended ended = tiermount.run(command);
    assertThat(ended.code()).as(ended.out() + ended.err()).isEqualTo(code);
    return tiermount.parse(ended.out());
  }

  @Test
  void w13_sync_returns_when_the_store_has_what_was_closed_and_no_more() throws Exception {
    Ended written =
        tiermount.sh(
            """
            cd '%s' && mkdir a b && for i in 1 2 3 4 5 6 7 8 9; do echo $i > a/f$i; done &&
            echo one > a/moved && mv a/moved b/there
            """
                .formatted(at));
    assertThat(written.code()).as(written.err()).isZero();
    Process writer = writing("a/open", "x");
    JsonNode result = synced(0, at.resolve("a").toString());
    assertThat(result.path("unfinished").asInt()).isEqualTo(1);
    assertThat(result.path("left").asInt()).isZero();
    for (int i = 1; i <= 9; i++) {
      assertThat(bucket.resolve("a/f" + i)).hasContent(i + "\n");
    }
    assertThat(bucket.resolve("a/open")).doesNotExist();
    writer.getOutputStream().close();
    assertThat(writer.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(synced(0).path("unfinished").asInt()).isZero();
    assertThat(bucket.resolve("a/open")).hasContent("x\n");
    assertThat(bucket.resolve("b/there")).hasContent("one\n");
    JsonNode mount = tiermount.mount();
    assertThat(mount.path("pending_changes").asInt()).isZero();
    assertThat(mount.path("dirty_bytes").asLong()).isZero();
    assertThat(mount.path("failing_uploads")).isEmpty();
  }

  @Test
  void w13_w14_sync_says_what_the_store_does_not_take_and_status_shows_it() throws Exception {
    Path away = directory.resolve("away");
    Files.move(bucket, away);
    assertThat(tiermount.sh("printf 0123456789 > '" + at + "/f'").code()).isZero();
    JsonNode failed = synced(1);
    assertThat(failed.path("left").asInt()).isEqualTo(1);
    JsonNode first = failed.path("failed").path(0);
    assertThat(first.path("path").asText()).isEqualTo(at.resolve("f").toString());
    assertThat(first.path("reason").asText()).isNotBlank();
    JsonNode mount = tiermount.mount();
    assertThat(mount.path("pending_changes").asInt()).isEqualTo(1);
    assertThat(mount.path("dirty_bytes").asLong()).isEqualTo(10);
    assertThat(mount.path("oldest_dirty_seconds").isNumber()).isTrue();
    assertThat(mount.path("failing_uploads").path(0).path("path").asText()).isEqualTo("f");
    assertThat(mount.path("failing_uploads").path(0).path("reason").asText()).isNotBlank();
    assertThat(tiermount.run("status").out()).contains("1 change", "f could not be sent: ");
    Ended late = tiermount.run("sync", "--timeout", "0.5", at.toString());
    assertThat(late.code()).as(late.err()).isEqualTo(6);
    assertThat(late.err()).contains("1 changes are not in the store", at + "/f: ");
    Files.move(away, bucket);
    assertThat(synced(0, "--timeout", "50").path("left").asInt()).isZero();
    assertThat(bucket.resolve("f")).hasContent("0123456789");
  }

  @Test
  void w13_sync_of_what_is_no_mount_is_an_error() throws Exception {
    assertThat(tiermount.run("sync", directory.toString()).err())
        .contains("does not lie in a mount");
    assertThat(tiermount.run("sync", "--timeout", "0").code()).isEqualTo(2);
  }

  /** A program that has written to a file and has it open until its input ends. */
  private Process writing(String name, String text) throws Exception {
    Process writer = tiermount.start(List.of("tee", "-a", at.resolve(name).toString()));
    OutputStream in = writer.getOutputStream();
    in.write((text + "\n").getBytes(StandardCharsets.US_ASCII));
    in.flush();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!tiermount.sh("cat '" + at.resolve(name) + "'").out().endsWith(text + "\n")) {
      assertThat(System.nanoTime()).as("%s is written", name).isLessThan(end);
    }
    return writer;
  }

  private JsonNode lost() throws Exception {
    Ended ended = tiermount.run("recover", "list", "--json");
    assertThat(ended.code()).as(ended.err()).isZero();
    return tiermount.parse(ended.out()).path("lost");
  }

  @Test
  void w15_what_lost_a_race_or_was_never_acknowledged_is_listed_saved_and_dropped()
      throws Exception {
    Files.writeString(bucket.resolve("race"), "first\n");
    assertThat(tiermount.sh("cat '" + at + "/race'").out()).isEqualTo("first\n");
    Process writer = writing("race", "ours");
    Files.writeString(bucket.resolve("race"), "theirs, longer\n");
    writer.getOutputStream().close();
    assertThat(writer.waitFor(30, TimeUnit.SECONDS)).isTrue();
    // Either this attempt loses, or one that was made just before.
    assertThat(tiermount.run("sync").code()).isIn(0, 1);
    assertThat(bucket.resolve("race")).hasContent("theirs, longer\n");
    Process unfinished = writing("g", "half");
    ProcessHandle daemon = ProcessHandle.of(tiermount.daemon().path("pid").asLong()).orElseThrow();
    daemon.destroyForcibly();
    daemon.onExit().get(30, TimeUnit.SECONDS);
    unfinished.destroyForcibly();
    mount();
    JsonNode lost = lost();
    assertThat(lost).hasSize(2);
    assertThat(lost.path(0).path("path").asText()).isEqualTo(at.resolve("race").toString());
    assertThat(lost.path(0).path("bytes").asLong()).isEqualTo(11);
    assertThat(lost.path(0).path("lost_at").asText()).endsWith("Z");
    assertThat(lost.path(1).path("path").asText()).isEqualTo(at.resolve("g").toString());
    assertThat(lost.path(1).path("reason").asText()).contains("neither closed nor synced");
    String id = lost.path(0).path("id").asText();
    Path saved = directory.resolve("saved");
    assertThat(tiermount.run("recover", "save", id, saved.toString()).code()).isZero();
    assertThat(saved).hasContent("first\nours\n");
    assertThat(tiermount.run("recover", "save", id, saved.toString()).err())
        .contains("is there already");
    Path kept = Path.of(lost.path(0).path("file").asText());
    assertThat(kept).exists();
    assertThat(tiermount.run("recover", "drop", id).code()).isZero();
    assertThat(kept).doesNotExist();
    assertThat(lost()).hasSize(1);
  }
}
