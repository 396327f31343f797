package io.tiermount.backends.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.Keys;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.WriteCondition;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Listings against the memory store, page by page. */
final class ListOrderTest {
  private static final List<String> SEGMENTS =
      List.of(
          "a",
          "a-b",
          "a0",
          "a.",
          "b",
          "",
          ".",
          "..",
          "-",
          "é",
          "～",
          "😀",
          ".tiermount",
          "%",
          ".tiermount%f%a",
          ".tiermount%d%a",
          "nul\0",
          "l".repeat(200),
          "l".repeat(256),
          "l\n",
          "é".repeat(130));
  private static final List<@Nullable String> DELIMITERS = new ArrayList<>();

  static {
    DELIMITERS.add(null);
    DELIMITERS.addAll(List.of("/", "-", "//", "a/", "%f"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void odd_keys_list_as_in_memory_in_any_pages(long seed) throws Exception {
    Random random = new Random(seed);
    try (LocalDirectory directory = LocalDirectory.create();
        ObjectStore local =
            LocalObjectStore.open(directory.path(), false, InstantSource.system(), 3);
        ObjectStore model = new MemoryStore()) {
      TreeSet<String> keys = new TreeSet<>(Keys.ORDER);
      for (int i = 0; i < 60; i++) {
        String key = key(random);
        if (!key.isEmpty() && Keys.utf8Bytes(key) <= 1024) {
          keys.add(key);
          put(local, key);
          put(model, key);
        }
      }
      check(seed, random, local, model, keys);
      for (String key : List.copyOf(keys)) {
        if (random.nextBoolean()) {
          keys.remove(key);
          local.delete(key);
          model.delete(key);
        }
      }
      check(seed, random, local, model, keys);
      for (String key : keys) {
        local.delete(key);
      }
      try (Stream<Path> left = Files.list(directory.path())) {
        assertThat(left.map(Path::toString)).allMatch(name -> name.endsWith("/.tiermount"));
      }
    }
  }

  private static void check(
      long seed, Random random, ObjectStore local, ObjectStore model, Set<String> keys)
      throws Exception {
    assertThat(pages(local, new ListRequest("", null, null, null, 1000)))
        .as("seed %d", seed)
        .containsExactlyElementsOf(keys);
    for (int i = 0; i < 60; i++) {
      String some = key(random);
      String prefix = random.nextInt(3) == 0 ? "" : cut(random, some);
      String after = random.nextInt(3) == 0 ? cut(random, key(random)) : null;
      ListRequest request =
          new ListRequest(
              prefix,
              DELIMITERS.get(random.nextInt(DELIMITERS.size())),
              null,
              after == null || after.isEmpty() ? null : after,
              1 + random.nextInt(7));
      assertThat(pages(local, request))
          .as("seed %d %s", seed, request)
          .isEqualTo(pages(model, request));
    }
  }

  private static String cut(Random random, String key) {
    int end = random.nextInt(key.length() + 1);
    return end > 0 && Character.isHighSurrogate(key.charAt(end - 1))
        ? key.substring(0, end - 1)
        : key.substring(0, end);
  }

  private static String key(Random random) {
    StringBuilder key = new StringBuilder();
    int depth = 1 + random.nextInt(3);
    for (int i = 0; i < depth; i++) {
      key.append(i == 0 ? "" : "/").append(SEGMENTS.get(random.nextInt(SEGMENTS.size())));
    }
    return key.toString();
  }

  private static void put(ObjectStore store, String key) throws Exception {
    store.put(key, ByteSource.of(new byte[1]), ObjectAttributes.NONE, WriteCondition.ALWAYS);
  }

  private static List<String> pages(ObjectStore store, ListRequest first) throws Exception {
    List<String> all = new ArrayList<>();
    ListRequest request = first;
    while (true) {
      ListPage page = store.list(request);
      all.addAll(
          Stream.concat(
                  page.objects().stream().map(ObjectInfo::key), page.commonPrefixes().stream())
              .sorted(Keys.ORDER)
              .toList());
      String next = page.nextToken();
      if (next == null) {
        return all;
      }
      request = request.next(next);
    }
  }

  @Test
  void twenty_thousand_files_list_page_by_page() throws Exception {
    try (LocalDirectory directory = LocalDirectory.create();
        ObjectStore local = directory.open()) {
      List<String> expected = new ArrayList<>();
      Path many = Files.createDirectory(directory.path().resolve("many"));
      for (int i = 0; i < 20_000; i++) {
        String name = "f" + i;
        Files.createFile(many.resolve(name));
        expected.add("many/" + name);
      }
      expected.sort(Keys.ORDER);
      assertThat(pages(local, ListRequest.directory("many/"))).isEqualTo(expected);
      Files.createFile(many.resolve("f0a"));
      Files.delete(many.resolve("f1"));
      expected.remove("many/f1");
      expected.add("many/f0a");
      expected.sort(Keys.ORDER);
      assertThat(pages(local, ListRequest.directory("many/"))).isEqualTo(expected);
    }
  }
}
