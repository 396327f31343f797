package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * SEMANTICS R33 and C1, as far as the parser goes ({@code ProgramTest} shows that nothing is
 * mounted): every kind of mistake, each in a file of its own beside the message that it gives.
 * After a change of a message: {@code mvn … -Dtiermount.golden=write} writes them anew, to be read
 * before they are committed.
 */
final class BrokenFilesTest {
  private static final Path DIRECTORY = Path.of("src/test/resources/config/broken");
  private static final String SECRET = "hush";

  static Stream<String> names() throws IOException {
    return named(".conf").stream();
  }

  private static Set<String> named(String suffix) throws IOException {
    try (Stream<Path> files = Files.list(DIRECTORY)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(suffix))
          .map(name -> name.substring(0, name.length() - suffix.length()))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  @Test
  void every_broken_file_has_its_message_and_every_message_its_file() throws IOException {
    assertThat(named(".golden")).isEqualTo(named(".conf")).hasSizeGreaterThanOrEqualTo(60);
  }

  @ParameterizedTest
  @MethodSource("names")
  void a_broken_file_is_refused_with_exactly_this_message(String name) throws IOException {
    String message = message(name) + "\n";
    Path golden = DIRECTORY.resolve(name + ".golden");
    if ("write".equals(System.getProperty("tiermount.golden"))) {
      Files.writeString(golden, message);
    }

    assertThat(message).isEqualTo(Files.readString(golden));
  }

  @ParameterizedTest
  @MethodSource("names")
  void no_message_holds_a_secret(String name) {
    assertThat(message(name)).doesNotContain(SECRET).doesNotContain("AKIAEXAMPLE");
  }

  @ParameterizedTest
  @MethodSource("names")
  void errors_come_in_the_order_of_the_file(String name) {
    List<ConfigError> errors = errors(name);

    assertThat(errors).isSortedAccordingTo(ConfigError.ORDER).doesNotHaveDuplicates();
    assertThat(errors).allSatisfy(error -> assertThat(error.line()).isPositive());
  }

  private static String message(String name) {
    return ConfigError.text(errors(name)).replace(DIRECTORY + "/", "");
  }

  private static List<ConfigError> errors(String name) {
    NodeFacts node = new FixedNode(name.contains("several-users"), Optional.empty());
    try {
      new ConfigParser(Map.of(), node).parseFiles(List.of(DIRECTORY.resolve(name + ".conf")));
      return fail("accepted: " + name);
    } catch (InvalidConfigException e) {
      return e.errors();
    }
  }
}
