package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Rules of the house that no compiler checks. */
final class TidyTest {
  private static final int MAX_LINES = 500;

  /** A promise of docs/SEMANTICS.md: {@code **R12.**} at the start of its sentence. */
  private static final Pattern CLAUSE = Pattern.compile("\\*\\*([A-Z]\\d+)\\.\\*\\*");

  /** How a test names a promise in words: {@code R12}. */
  private static final Pattern NAMED = Pattern.compile("\\b[A-Z]\\d+\\b");

  /** How it does so in its name: {@code void r4_r5_what_is_promised()}. */
  private static final Pattern NAMED_BY_METHOD = Pattern.compile("\\bvoid ((?:[a-z]\\d+_)+)");

  private final Path root = Path.of(System.getProperty("tiermount.root", ".."));

  @Test
  void files_are_a_sitting_long_at_most() {
    assertThat(
            sources("main", "test")
                .filter(file -> lines(file).size() > MAX_LINES)
                .map(file -> root.relativize(file) + ": " + lines(file).size() + " lines")
                .toList())
        .isEmpty();
  }

  @Test
  void each_package_says_what_it_is_and_is_null_marked() {
    Set<Path> packages = sources("main").map(Path::getParent).collect(Collectors.toSet());
    assertThat(packages).isNotEmpty();
    assertThat(
            packages.stream()
                .map(directory -> directory.resolve("package-info.java"))
                .filter(info ->
                    !Files.exists(info)
                        || !text(info).contains("@NullMarked")
                        || !text(info).contains("/**"))
                .map(info -> root.relativize(info).toString())
                .toList())
        .isEmpty();
  }

  @Test
  void each_promise_of_the_semantics_is_named_by_a_test() {
    Path semantics = root.resolve("docs/SEMANTICS.md");
    Set<String> promised = new TreeSet<>();
    if (Files.exists(semantics)) {
      Matcher clauses = CLAUSE.matcher(text(semantics));
      while (clauses.find()) {
        promised.add(clauses.group(1));
      }
      assertThat(promised).as("clauses of %s", semantics).isNotEmpty();
    }
    Set<String> named = new TreeSet<>();
    sources("test")
        .filter(file -> !file.endsWith("TidyTest.java"))
        .forEach(file -> {
          Matcher names = NAMED.matcher(text(file));
          while (names.find()) {
            named.add(names.group());
          }
          Matcher methods = NAMED_BY_METHOD.matcher(text(file));
          while (methods.find()) {
            named.addAll(List.of(methods.group(1).toUpperCase(Locale.ROOT).split("_")));
          }
        });
    promised.removeAll(named);
    assertThat(promised).as("promises without a test").isEmpty();
  }

  @Test
  void scripts_stop_at_the_first_error() {
    for (String directory : List.of("scripts", ".ci")) {
      try (Stream<Path> files = Files.walk(root.resolve(directory))) {
        assertThat(
                files
                    .filter(Files::isRegularFile)
                    .filter(Files::isExecutable)
                    .filter(file -> text(file).startsWith("#!/usr/bin/env bash"))
                    .filter(file -> !text(file).contains("\nset -euo pipefail\n"))
                    .toList())
            .isEmpty();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private Stream<Path> sources(String... kinds) {
    return Stream.of("backends", "fs", "daemon")
        .flatMap(module -> Stream.of(kinds).map(kind -> root.resolve(module + "/src/" + kind)))
        .filter(Files::isDirectory)
        .flatMap(directory -> {
          try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.toString().endsWith(".java")).toList().stream();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static List<String> lines(Path file) {
    return text(file).lines().toList();
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
