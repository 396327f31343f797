package io.tiermount.backends.local;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.WriteCondition;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Write conditions between processes. */
final class TwoProcessesTest {
  private static Process start(Path directory, String name) throws Exception {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            ConditionalWriter.class.getName(),
            directory.toString(),
            name)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static List<String> wonBy(Process process) throws Exception {
    List<String> won = new ArrayList<>();
    try (BufferedReader output = process.inputReader(UTF_8)) {
      output.lines().filter(line -> line.startsWith("race/")).forEach(won::add);
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    return won;
  }

  private static void go(Process process) throws Exception {
    // One byte at a time, so that nothing of what follows "ready" is buffered and lost.
    StringBuilder line = new StringBuilder();
    for (int b = process.getInputStream().read(); b >= 0 && b != '\n'; ) {
      line.append((char) b);
      b = process.getInputStream().read();
    }
    assertThat(line).hasToString("ready");
  }

  @Test
  void of_two_processes_that_write_if_absent_exactly_one_wins_each_key() throws Exception {
    try (LocalDirectory directory = LocalDirectory.create()) {
      Process one = start(directory.path(), "one");
      Process two = start(directory.path(), "two");
      try {
        go(one);
        go(two);
        for (Process process : List.of(one, two)) {
          process.getOutputStream().write('\n');
          process.getOutputStream().flush();
        }
        List<String> byOne = wonBy(one);
        List<String> byTwo = wonBy(two);
        List<String> won = new ArrayList<>(byOne);
        won.addAll(byTwo);
        assertThat(won).doesNotHaveDuplicates().hasSize(ConditionalWriter.KEYS);
        for (String key : byOne) {
          assertThat(Files.readString(directory.path().resolve(key))).isEqualTo("one");
        }
        for (String key : byTwo) {
          assertThat(Files.readString(directory.path().resolve(key))).isEqualTo("two");
        }
      } finally {
        one.destroyForcibly();
        two.destroyForcibly();
      }
    }
  }

  @Test
  void a_lock_held_by_a_killed_process_is_free() throws Exception {
    try (LocalDirectory directory = LocalDirectory.create();
        LocalObjectStore store = directory.open()) {
      Process other = start(directory.path(), "killed");
      try {
        go(other);
        other.getOutputStream().write('\n');
        other.getOutputStream().flush();
        assertThat(other.getInputStream().read()).isGreaterThanOrEqualTo(0);
      } finally {
        other.destroyForcibly();
      }
      assertThat(other.waitFor(60, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < ConditionalWriter.KEYS; i++) {
        assertWritable(store, "race/" + i);
      }
    }
  }

  private static void assertWritable(LocalObjectStore store, String key) throws StoreException {
    ByteSource body = ByteSource.of("mine".getBytes(UTF_8));
    ObjectInfo there = store.head(key).orElse(null);
    try {
      store.put(key, body, ObjectAttributes.NONE, WriteCondition.IF_ABSENT);
      assertThat(there).isNull();
    } catch (StoreException e) {
      assertThat(e.kind()).isEqualTo(Kind.PRECONDITION_FAILED);
      assertThat(there).isNotNull();
    }
  }
}
