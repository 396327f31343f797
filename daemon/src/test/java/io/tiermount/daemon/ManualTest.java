package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.daemon.Tiermount.Ended;
import io.tiermount.daemon.config.KeyManual;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS B12: what packages and scripts/install bring as the manual. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ManualTest {
  /** A line of {@code tiermount help}'s list of commands. */
  private static final Pattern LISTED = Pattern.compile("(?m)^ {2}([a-z][a-z-]+) ");

  private Path directory = Path.of("");
  private Tiermount tiermount = new Tiermount(directory, Map.of());
  private String commands = "";
  private String keys = "";
  private String completion = "";

  @BeforeAll
  void write(@TempDir Path forAll) throws Exception {
    directory = forAll;
    tiermount = new Tiermount(directory, Map.of());
    Ended written = tiermount.run("manual", directory.toString());
    assertThat(written.code()).as(written.err()).isZero();
    commands = Files.readString(directory.resolve("man/man8/tiermount.8"));
    keys = Files.readString(directory.resolve("man/man5/mounts.conf.5"));
    completion = Files.readString(directory.resolve("bash-completion/completions/tiermount"));
  }

  @AfterAll
  void close() throws Exception {
    tiermount.close();
  }

  @Test
  void b12_every_command_that_help_lists_is_in_the_manual_and_is_completed() throws Exception {
    List<String> listed =
        LISTED
            .matcher(tiermount.run("help").out())
            .results()
            .map(result -> result.group(1))
            .toList();
    assertThat(listed).contains("daemon", "mount", "umount", "status", "cache", "check-config");
    assertThat(listed).doesNotContain("mount-helper", "manual");
    for (String command : listed) {
      assertThat(commands).contains(".SS tiermount " + command.replace("-", "\\-"));
      assertThat(completion).contains(command);
    }
    assertThat(commands).contains(".SS tiermount cache warm", "\\-\\-foreground", "_netdev");
    assertThat(commands).doesNotContain("mount\\-helper", "%n", "%%");
  }

  @Test
  void b12_every_key_is_in_the_manual_with_its_default() {
    assertThat(KeyManual.entries()).hasSizeGreaterThan(60);
    for (KeyManual.Entry entry : KeyManual.entries()) {
      assertThat(keys).contains("\\fB" + entry.path() + "\\fR");
    }
    assertThat(keys).contains("Default: 4M.");
  }

  @Test
  void bash_reads_the_completion() throws Exception {
    assumeTrue(tiermount.sh("command -v bash").code() == 0, "no bash here");
    Path file = directory.resolve("bash-completion/completions/tiermount");
    Ended read = tiermount.sh("bash -c 'set -e; . \"" + file + "\"; complete -p tiermount'");
    assertThat(read.code()).as(read.err()).isZero();
  }

  @Test
  void man_formats_both_pages_without_a_warning() throws Exception {
    assumeTrue(tiermount.sh("command -v groff").code() == 0, "no groff here");
    for (String page : List.of("man8/tiermount.8", "man5/mounts.conf.5")) {
      Ended formatted =
          tiermount.sh(
              "groff -K utf8 -man -Tutf8 -ww '%s'".formatted(directory.resolve("man/" + page)));
      assertThat(formatted.err()).isEmpty();
      assertThat(formatted.out()).isNotBlank();
    }
  }
}
