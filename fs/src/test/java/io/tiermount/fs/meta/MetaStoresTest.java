package io.tiermount.fs.meta;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.fs.meta.MetaException.Kind;
import io.tiermount.fs.meta.StateStore.Durability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetaStoresTest {
  @TempDir Path directory;

  private final MetaMemory memory = new MetaMemory(16 << 20);

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void what_was_put_is_there_after_opening_again() throws IOException {
    Path path = directory.resolve("state");
    try (StateStore state = StateStore.open(path, memory)) {
      KeyValue nodes = state.column(StateColumn.NODES);
      KeyValue names = state.column(StateColumn.NAMES);
      nodes.put(7, bytes("seven"));
      state.batch(
          Durability.POWER_LOSS,
          batch -> {
            batch.put(nodes, KeyValue.key(8), bytes("eight"));
            batch.put(names, bytes("eight"), KeyValue.key(8));
            batch.delete(nodes, KeyValue.key(7));
          });
    }
    try (StateStore state = StateStore.open(path, memory)) {
      assertThat(state.column(StateColumn.NODES).get(7)).isNull();
      assertThat(state.column(StateColumn.NODES).get(8)).isEqualTo(bytes("eight"));
      assertThat(state.column(StateColumn.NAMES).get(bytes("eight"))).isEqualTo(KeyValue.key(8));
    }
  }

  @Test
  void a_scan_walks_a_prefix_in_order_from_any_key() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    TreeMap<String, String> model = new TreeMap<>();
    try (IndexStore index = IndexStore.open(directory.resolve("index"), memory)) {
      KeyValue listings = index.column(IndexColumn.LISTINGS);
      for (int i = 0; i < 3000; i++) {
        String key = "d" + random.nextInt(3) + "/" + Integer.toString(random.nextInt(5000), 36);
        model.put(key, "v" + i);
        listings.put(bytes(key), bytes("v" + i));
      }
      for (int i = 0; i < 50; i++) {
        String prefix = "d" + random.nextInt(4) + "/";
        String from = prefix + Integer.toString(random.nextInt(5000), 36);
        List<String> found = new ArrayList<>();
        try (Scan scan = listings.scan(bytes(prefix), bytes(from))) {
          while (scan.next()) {
            found.add(new String(scan.key(), UTF_8) + "=" + new String(scan.value(), UTF_8));
          }
        }
        List<String> expected = new ArrayList<>();
        model
            .subMap(from, prefix + "\uffff")
            .forEach((key, value) -> expected.add(key + "=" + value));
        assertThat(found).as("seed %d", seed).isEqualTo(expected);
      }
    }
  }

  @Test
  void a_range_is_deleted_with_one_change() throws IOException {
    try (IndexStore index = IndexStore.open(directory.resolve("index"), memory)) {
      KeyValue extents = index.column(IndexColumn.EXTENTS);
      for (int i = 0; i < 10; i++) {
        extents.put(KeyValue.key(1, i), bytes("x"));
        extents.put(KeyValue.key(2, i), bytes("y"));
      }
      index.batch(batch -> batch.deleteRange(extents, KeyValue.key(1), KeyValue.key(2)));
      assertThat(count(extents, KeyValue.key(1))).isZero();
      assertThat(count(extents, KeyValue.key(2))).isEqualTo(10);
    }
  }

  @Test
  void a_store_is_opened_once_at_a_time() throws IOException {
    Path index = directory.resolve("index");
    Path state = directory.resolve("state");
    try (IndexStore first = IndexStore.open(index, memory);
        StateStore second = StateStore.open(state, memory)) {
      first.column(IndexColumn.CACHE).put(1, bytes("kept"));
      assertThatThrownBy(() -> IndexStore.open(index, memory).close())
          .isInstanceOfSatisfying(
              MetaException.class, e -> assertThat(e.kind()).isEqualTo(Kind.LOCKED));
      assertThatThrownBy(() -> StateStore.open(state, memory).close())
          .isInstanceOfSatisfying(
              MetaException.class, e -> assertThat(e.kind()).isEqualTo(Kind.LOCKED));
      assertThat(second.reopened()).isZero();
    }
    try (IndexStore again = IndexStore.open(index, memory)) {
      assertThat(again.column(IndexColumn.CACHE).get(1)).isEqualTo(bytes("kept"));
      assertThat(again.wasDropped()).isFalse();
    }
  }

  @Test
  void a_closed_store_says_so() throws IOException {
    StateStore state = StateStore.open(directory.resolve("state"), memory);
    KeyValue nodes = state.column(StateColumn.NODES);
    state.close();
    assertThatThrownBy(() -> nodes.get(1))
        .isInstanceOfSatisfying(
            MetaException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CLOSED));
  }

  /** R24. */
  @Test
  void a_damaged_index_is_dropped_and_costs_no_state() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path index = directory.resolve("index");
    Path statePath = directory.resolve("state");
    try (StateStore state = StateStore.open(statePath, memory)) {
      state.column(StateColumn.NODES).put(1, bytes("stays"));
      for (int round = 0; round < 8; round++) {
        try (IndexStore store = IndexStore.open(index, memory)) {
          KeyValue extents = store.column(IndexColumn.EXTENTS);
          for (int i = 0; i < 2000; i++) {
            extents.put(i, new byte[100]);
          }
        }
        damage(index, random);
        // Whatever was damaged: it opens and takes new facts.
        try (IndexStore store = IndexStore.open(index, memory)) {
          store.column(IndexColumn.CACHE).put(round, bytes("new"));
          assertThat(store.column(IndexColumn.CACHE).get(round))
              .as("seed %d", seed)
              .isEqualTo(bytes("new"));
        }
      }
    }
    try (StateStore state = StateStore.open(statePath, memory)) {
      assertThat(state.column(StateColumn.NODES).get(1)).isEqualTo(bytes("stays"));
    }
  }

  @Test
  void an_index_without_its_head_is_dropped() throws IOException {
    Path index = directory.resolve("index");
    IndexStore.open(index, memory).close();
    Files.delete(index.resolve("CURRENT"));
    try (IndexStore store = IndexStore.open(index, memory)) {
      assertThat(store.wasDropped()).isTrue();
    }
  }

  @Test
  void a_damaged_state_refuses_to_open_and_names_the_directory() throws IOException {
    Path path = directory.resolve("state");
    try (StateStore state = StateStore.open(path, memory)) {
      state.column(StateColumn.NODES).put(1, bytes("x"));
    }
    Path manifest = files(path, "MANIFEST-").getFirst();
    Files.write(manifest, new byte[(int) Files.size(manifest)]);
    assertThatThrownBy(() -> StateStore.open(path, memory).close())
        .isInstanceOfSatisfying(
            MetaException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DAMAGED))
        .hasMessageContaining(path.toString())
        .hasMessageContaining("move it away");
    Files.delete(path.resolve("CURRENT"));
    assertThatThrownBy(() -> StateStore.open(path, memory).close())
        .isInstanceOfSatisfying(
            MetaException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DAMAGED));
  }

  private static void damage(Path directory, Random random) throws IOException {
    List<Path> files = files(directory, "");
    Path file = files.get(random.nextInt(files.size()));
    byte[] content = Files.readAllBytes(file);
    switch (random.nextInt(3)) {
      case 0 -> Files.delete(file);
      case 1 -> Files.write(file, Arrays.copyOf(content, content.length / 2));
      default -> {
        random.nextBytes(content);
        Files.write(file, content);
      }
    }
  }

  private static List<Path> files(Path directory, String prefix) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(f -> f.getFileName().toString().startsWith(prefix)).sorted().toList();
    }
  }

  private static int count(KeyValue column, byte[] prefix) throws IOException {
    int count = 0;
    try (Scan scan = column.scan(prefix)) {
      while (scan.next()) {
        count++;
      }
    }
    return count;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }
}
