package io.tiermount.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Keys;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.Version;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** SEMANTICS R5: an object beside a directory of the same name, however the pages are cut. */
class ListingMergerTest {
  @Test
  void an_object_beside_its_directory_moves_aside_across_pages() {
    assertThat(names("d/", 1, "d/a", "d/a.txt", "d/a/x", "d/b"))
        .containsExactlyInAnyOrder("a%tm.object f", "a d", "a.txt f", "b f");
  }

  @Test
  void folder_markers_of_old_tools_show_as_directories_once() {
    assertThat(names("", 2, "x/1", "x_$folder$", "y_$folder$", "z0"))
        .containsExactlyInAnyOrder("x d", "y d", "z0 f");
  }

  @Test
  void a_marker_with_content_stays_readable_and_one_without_is_hidden() {
    assertThat(names("d/", 10, "d/", "d/a")).containsExactlyInAnyOrder("%tm.self f", "a f");
  }

  @Test
  void empty_segments_and_dots_are_named() {
    assertThat(names("", 10, "/a", ".", "../x", "b"))
        .containsExactlyInAnyOrder("%tm.empty d", "%tm.dot f", "%tm.dotdot d", "b f");
  }

  @Test
  void any_cut_into_pages_gives_the_same_entries_and_no_name_twice() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String[] parts = {"a", "a", "b", "!", "/", ".", "_$folder$", "\uFFFD", "😀"};
    for (int round = 0; round < 500; round++) {
      TreeSet<String> keys = new TreeSet<>();
      for (int n = random.nextInt(25); n >= 0; n--) {
        StringBuilder key = new StringBuilder();
        for (int k = random.nextInt(5); k >= 0; k--) {
          key.append(parts[random.nextInt(parts.length)]);
        }
        keys.add(key.toString());
      }
      String[] all = keys.toArray(String[]::new);
      List<String> whole = names("", 1000, all);
      assertThat(names("", 1 + random.nextInt(3), all))
          .as("seed %d keys %s", seed, keys)
          .containsExactlyInAnyOrderElementsOf(whole);
      assertThat(whole.stream().map(n -> n.substring(0, n.length() - 2)))
          .as("seed %d keys %s", seed, keys)
          .doesNotHaveDuplicates();
    }
  }

  /** Entries as "name kind"; objects hold a byte but for markers of tools. */
  private static List<String> names(String dirKey, int pageSize, String... keys) {
    TreeSet<String> listed = new TreeSet<>(Keys.ORDER);
    for (String key : keys) {
      int slash = key.indexOf('/', dirKey.length());
      listed.add(slash < 0 ? key : key.substring(0, slash + 1));
    }
    List<String> elements = new ArrayList<>(listed);
    ListingMerger merger = new ListingMerger(dirKey);
    List<String> names = new ArrayList<>();
    for (int from = 0; from < elements.size(); from += pageSize) {
      List<String> page = elements.subList(from, Math.min(elements.size(), from + pageSize));
      List<ObjectInfo> objects = new ArrayList<>();
      List<String> prefixes = new ArrayList<>();
      for (String key : page) {
        if (key.endsWith("/") && !key.equals(dirKey)) {
          prefixes.add(key);
        } else {
          long size = key.endsWith("_$folder$") ? 0 : 1;
          objects.add(new ObjectInfo(key, size, new Version("v"), Instant.EPOCH, null, null));
        }
      }
      String next = from + pageSize < elements.size() ? "more" : null;
      for (DirEntry entry : merger.merge(new ListPage(objects, prefixes, next), 1)) {
        names.add(entry.name() + (entry.facts().directory() ? " d" : " f"));
      }
    }
    return names;
  }
}
