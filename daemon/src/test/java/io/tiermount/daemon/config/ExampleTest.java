package io.tiermount.daemon.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** mounts.conf.example and the schema say the same. */
final class ExampleTest {
  private static final Path EXAMPLE =
      Path.of(Objects.requireNonNull(System.getProperty("tiermount.root")), "mounts.conf.example");
  private static final Pattern SETTING = Pattern.compile("(?m)^#(?=[^ #\\n])");
  private static final Map<String, String> ENVIRONMENT =
      Map.of(
          "TIERMOUNT_ORG", "acme",
          "TIERMOUNT_CLOUD", "c1",
          "TIERMOUNT_CLUSTER", "k9",
          "TIERMOUNT_USER", "ann",
          "AWS_ACCESS_KEY_ID", "AKIAEXAMPLE",
          "AWS_SECRET_ACCESS_KEY", "hush",
          "MINIO_KEY", "AKIAEXAMPLE",
          "MINIO_SECRET", "hush",
          "SHARED_BUCKET", "s3://shared-bucket",
          "USER_BUCKET", "s3://user-bucket");

  static Stream<Key<?>> keys() {
    return Schema.KEYS.stream();
  }

  @Test
  void the_example_is_accepted_as_it_stands() throws InvalidConfigException {
    TiermountConfig config =
        new ConfigParser(ENVIRONMENT, new FixedNode()).parseFiles(List.of(EXAMPLE));

    assertThat(config.mounts())
        .extracting(MountConfig::name)
        .containsExactly("local_storage", "models", "shared_storage", "user_storage");
    assertThat(config.skipped()).containsOnlyKeys("cluster_storage");
  }

  @Test
  void the_example_with_every_setting_taken_in_knows_no_key_that_the_schema_lacks(
      @TempDir Path directory) throws IOException {
    Path file = directory.resolve("all.conf");
    Files.writeString(file, everySetting());
    List<ConfigError> errors = new ArrayList<>();
    try {
      new ConfigParser(ENVIRONMENT, new FixedNode()).parseFiles(List.of(file));
    } catch (InvalidConfigException e) {
      errors.addAll(e.errors());
    }

    // What can't stand together: two places of the cache, several ways in, names of this node.
    assertThat(errors)
        .extracting(ConfigError::key)
        .isSubsetOf(
            "storage.cache.default_base_dir",
            "storage.cache.size.max_used_bytes",
            "credentials.other",
            "persistence.data.example.store",
            "persistence.outputs.example-outputs.store",
            "azure.storage.containers[0].account_key",
            "mounts.models.permissions.owner",
            "mounts.models.permissions.group",
            "mounts.models.permissions.allow",
            "mounts.models.permissions.uid_map",
            "mounts.models.permissions.gid_map");
  }

  @ParameterizedTest
  @MethodSource("keys")
  void every_known_key_stands_in_the_example_under_a_comment(Key<?> key) throws IOException {
    Optional<Integer> line = lineOf(key);

    assertThat(line).as("a line of the example with %s", key.path()).isPresent();
    assertThat(comment(line.orElseThrow(), key))
        .as("comment on %s", key.path())
        .hasSizeGreaterThan(15);
  }

  @ParameterizedTest
  @MethodSource("keys")
  void the_comment_on_a_key_says_its_default_and_from_when_on_it_works(Key<?> key)
      throws IOException {
    String comment = comment(lineOf(key).orElseThrow(), key);

    if (key.defaultText().equals("required")) {
      assertThat(comment).containsIgnoringCase("required");
    } else {
      String words = key.defaultText().replaceFirst("^\\$", "the variable ");
      assertThat(comment).contains("Default: " + words);
    }
    assertThat(comment).contains(key.effect().text());
    if (key.effect() == Key.Effect.NOW) {
      assertThat(comment).doesNotContain("takes effect");
    }
  }

  @Test
  void every_key_that_a_table_defines_is_in_the_schema() throws IllegalAccessException {
    TreeSet<String> defined = new TreeSet<>();
    for (Class<?> table :
        List.of(
            NodeKeys.class,
            StorageKeys.class,
            CredentialKeys.class,
            ClearmlKeys.class,
            MountKeys.class,
            PersistenceKeys.class,
            AdminKeys.class)) {
      for (Field field : table.getDeclaredFields()) {
        if (Modifier.isPrivate(field.getModifiers())) {
          continue;
        }
        switch (field.get(null)) {
          case Key<?> key -> defined.add(key.path());
          case ClearmlKeys.S3Keys keys -> keys.all().forEach(key -> defined.add(key.path()));
          case StorageKeys.PathKeys keys -> keys.all().forEach(key -> defined.add(key.path()));
          case PersistenceKeys.Volume volume ->
              volume.all().forEach(key -> defined.add(key.path()));
          default -> {}
        }
      }
    }

    assertThat(Schema.KEYS).extracting(Key::path).containsExactlyInAnyOrderElementsOf(defined);
  }

  @ParameterizedTest
  @MethodSource("keys")
  void every_fixed_default_is_a_value_of_its_key(Key<?> key) {
    if (key.fixedDefault()) {
      assertThat(key.defaultValue()).isNotNull();
    }
    assertThat(key.meaning()).isNotBlank();
  }

  private static String everySetting() throws IOException {
    return SETTING.matcher(Files.readString(EXAMPLE)).replaceAll("");
  }

  /** The first line that sets a key, of the example with every setting taken in; from 1. */
  private static Optional<Integer> lineOf(Key<?> key) throws IOException {
    return Optional.ofNullable(lines().get(key.path()));
  }

  private static Map<String, Integer> lines() throws IOException {
    Map<String, Integer> lines = new HashMap<>();
    Node.Section root = tree();
    walk(root, Schema.root(), "", lines);
    // Elements of a list are explained one by one below it.
    String text = Files.readString(EXAMPLE);
    Matcher matcher = Pattern.compile("# ([\\w.]+)\\[]\\.(\\w+):").matcher(text);
    while (matcher.find()) {
      int line = (int) text.substring(0, matcher.start()).lines().count();
      // What stands before it on its own line is a line of its own to lines().
      lines.put(matcher.group(1) + ".[]." + matcher.group(2), line);
    }
    return lines;
  }

  private static Node.Section tree() throws IOException {
    Path file = Files.createTempFile("example", ".conf");
    try {
      Files.writeString(
          file, everySetting().replace("${?", "\"").replaceAll("(= \"\\w+)}", "$1\""));
      HoconDocument document = new HoconDocument();
      Problems problems = new Problems();
      document.add(new ConfigFiles.Part(file, ""), problems);
      assertThat(problems.isEmpty()).isTrue();
      assertThat(ConfigFactory.parseFile(file.toFile()).isEmpty()).isFalse();
      return Objects.requireNonNull(HoconResolver.resolve(document, ENVIRONMENT, problems));
    } finally {
      Files.delete(file);
    }
  }

  private static void walk(
      Node.Section section, Schema.Level level, String path, Map<String, Integer> lines) {
    new TreeMap<>(section.entries())
        .forEach((name, node) -> {
          Schema.Level next = Objects.requireNonNull(level.child(name), path + "." + name);
          String known = level.children().containsKey(name) ? name : Schema.ANY_NAME;
          String child = path.isEmpty() ? known : path + "." + known;
          if (next.key() != null) {
            lines.merge(child, node.position().line(), Math::min);
          } else if (node instanceof Node.Section inner) {
            walk(inner, next, child, lines);
          }
        });
  }

  /** The comment lines directly above a line, and the line itself where it is a comment. */
  private static String comment(int line, Key<?> key) throws IOException {
    List<String> lines = Files.readAllLines(EXAMPLE);
    List<String> comment = new ArrayList<>();
    if (key.path().contains("[]")) {
      comment.add(lines.get(line - 1));
    }
    for (int i = line - 2; i >= 0 && lines.get(i).strip().startsWith("# "); i--) {
      comment.addFirst(lines.get(i).strip().substring(1).strip());
    }
    return String.join(" ", comment);
  }
}
