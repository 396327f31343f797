package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.os.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** SEMANTICS R34: the table in the document is what the code does. */
class ErrnoMappingTest {
  /** {@code | words | `KIND` | ERRNO | why |}. */
  private static final Pattern ROW =
      Pattern.compile("^\\|[^|]+\\| `([A-Z_]+)` \\| (E[A-Z0-9]+) \\|.*\\|$");

  @Test
  void r34_the_documents_table_is_the_whole_mapping() throws IOException {
    Map<String, String> promised = new TreeMap<>();
    List<String> twice = new ArrayList<>();
    Path document = Path.of(System.getProperty("tiermount.root", ".."), "docs/SEMANTICS.md");
    for (String line : Files.readAllLines(document)) {
      Matcher row = ROW.matcher(line);
      if (row.matches() && promised.put(row.group(1), row.group(2)) != null) {
        twice.add(row.group(1));
      }
    }

    Map<String, String> mapped = new TreeMap<>();
    for (Kind kind : Kind.values()) {
      mapped.put(kind.name(), Errno.name(ErrnoMapping.errno(kind)));
    }
    assertThat(promised).isEqualTo(mapped);
    assertThat(twice).as("kinds with two rows").isEmpty();
  }
}
