package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.strict.TestSecrets;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS K6: the search at the end of {@code scripts/test} finds what it is for. */
final class CheckSecretsTest {
  @Test
  void k6_a_secret_in_a_report_is_found_and_not_repeated(@TempDir Path directory) throws Exception {
    Path reports = Files.createDirectories(directory.resolve("a/surefire-reports"));
    Path log = Files.writeString(directory.resolve("test.log"), "all is well\n");
    Files.writeString(reports.resolve("good.txt"), "nothing\n");
    assertThat(run(log, reports)).startsWith("0 ");
    Files.writeString(
        reports.resolve("bad.txt"), "x\nheader: " + TestSecrets.of("leaked") + "\0\u00ff\n");
    assertThat(run(log, reports))
        .startsWith("1 ")
        .contains("bad.txt, lines 2")
        .doesNotContain(TestSecrets.MARK);
    assertThat(run(directory.resolve("missing"))).startsWith("2 ");
  }

  private static String run(Path... searched) throws Exception {
    Path script = Path.of(System.getProperty("tiermount.root", ".."), "scripts/check-secrets");
    ProcessBuilder builder = new ProcessBuilder(script.toString()).redirectErrorStream(true);
    for (Path each : searched) {
      builder.command().add(each.toString());
    }
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() + " " + said;
  }
}
