package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore;
import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.volume.VolumeOptions.AttributeMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS R13, R14, R15, R16, R20: exactly the calls needed, over a real mount. */
class ReadCallsTest {
  @TempDir Path dir;
  private final Bucket bucket = new Bucket();

  @Test
  void r14_a_cold_small_file_costs_its_look_up_pair_and_one_get() throws Exception {
    bucket.put("d/file", "hello");
    bucket.put("other", "x");
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(bucket.calls().drain()).as("R28: nothing is asked to mount").isEmpty();
      assertThat(mount.cat("d/file")).asString(StandardCharsets.UTF_8).isEqualTo("hello");
      assertThat(bucket.calls().drain())
          .containsExactlyInAnyOrder(
              "HEAD d", "LIST d/ max=1", "HEAD d/file", "LIST d/file/ max=1", "GET d/file 0+5");
    }
  }

  @Test
  void r14_in_a_directory_just_listed_it_costs_one_get() throws Exception {
    bucket.put("d/file", "hello");
    try (MountFixture mount =
        new MountFixture(dir, bucket.store(), Options.USUAL.attributes(AttributeMode.LIST))) {
      assertThat(mount.sh("ls -f d").lines()).contains("file");
      assertThat(bucket.calls().drain())
          .containsExactlyInAnyOrder("HEAD d", "LIST d/ max=1", "LIST d/ delimiter");
      assertThat(mount.cat("d/file")).asString(StandardCharsets.UTF_8).isEqualTo("hello");
      assertThat(bucket.calls().drain()).containsExactly("GET d/file 0+5");
    }
  }

  @Test
  void r14_in_a_directory_just_listed_full_attributes_cost_one_head_more() throws Exception {
    bucket.put("d/file", "hello");
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(mount.sh("ls -f d").lines()).contains("file");
      bucket.calls().drain();
      assertThat(mount.cat("d/file")).asString(StandardCharsets.UTF_8).isEqualTo("hello");
      assertThat(bucket.calls().drain()).containsExactlyInAnyOrder("HEAD d/file", "GET d/file 0+5");
    }
  }

  @Test
  void r14_a_directory_with_a_marker_costs_one_head_more() throws Exception {
    bucket.put("d/", "").put("d/file", "hello");
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(mount.cat("d/file")).asString(StandardCharsets.UTF_8).isEqualTo("hello");
      assertThat(bucket.calls().drain())
          .containsExactlyInAnyOrder(
              "HEAD d",
              "LIST d/ max=1",
              "HEAD d/",
              "HEAD d/file",
              "LIST d/file/ max=1",
              "GET d/file 0+5");
    }
  }

  @Test
  void r15_a_cached_fresh_file_costs_nothing_even_after_a_restart() throws Exception {
    byte[] big = Bucket.bytes(5 << 20, 1);
    bucket.put("big", big);
    bucket.put("small", "hello");
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(mount.cat("big")).isEqualTo(big);
      mount.cat("small");
      bucket.calls().drain();
      assertThat(mount.cat("big")).isEqualTo(big);
      MountFixture.dropKernelCaches();
      assertThat(mount.cat("big")).isEqualTo(big);
      assertThat(mount.cat("small")).asString(StandardCharsets.UTF_8).isEqualTo("hello");
      assertThat(bucket.calls().drain()).isEmpty();
    }
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(mount.cat("big")).isEqualTo(big);
      assertThat(mount.cat("small")).asString(StandardCharsets.UTF_8).isEqualTo("hello");
      assertThat(bucket.calls().drain()).isEmpty();
    }
  }

  @Test
  void r16_a_sequential_reader_fetches_each_block_once() throws Exception {
    byte[] big = Bucket.bytes((9 << 20) + 17, 2);
    bucket.put("big", big);
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(mount.cat("big")).isEqualTo(big);
      assertThat(bucket.calls().drain())
          .containsExactlyInAnyOrder(
              "HEAD big",
              "LIST big/ max=1",
              "GET big 0+4194304",
              "GET big 4194304+4194304",
              "GET big 8388608+1048593");
    }
  }

  @Test
  void r16_thirty_two_readers_of_a_cold_object_fetch_each_block_once() throws Exception {
    byte[] big = Bucket.bytes((9 << 20) + 17, 2);
    bucket.put("big", big);
    FaultyStore store = new FaultyStore(bucket.store());
    FaultyStore.Gate gate = store.gate("GET big");
    int readers = 32;
    try (MountFixture mount = new MountFixture(dir, store, Options.USUAL);
        ExecutorService pool = Executors.newFixedThreadPool(readers)) {
      CountDownLatch open = new CountDownLatch(readers);
      Path expected = Files.write(dir.resolve("expected"), big);
      List<Future<MountFixture.Result>> all = new ArrayList<>();
      try {
        for (int i = 0; i < readers; i++) {
          // Half of them past the page cache, where the kernel would make one request of many.
          String flags = i % 2 == 0 ? "direct" : "nocache";
          all.add(
              pool.submit(() -> {
                open.countDown();
                open.await();
                return mount.sh("dd if=big bs=1M iflag=" + flags + " | cmp - " + expected);
              }));
        }
        gate.awaitCall();
        MountFixture.await(() -> mount.requests("READ") >= readers / 2);
      } finally {
        gate.open();
      }
      for (Future<MountFixture.Result> read : all) {
        assertThat(read.get().exit()).as(read.get().err()).isZero();
      }
      assertThat(bucket.calls().drain().stream().filter(call -> call.startsWith("GET")))
          .containsExactlyInAnyOrder(
              "GET big 0+4194304", "GET big 4194304+4194304", "GET big 8388608+1048593");
    }
  }

  @Test
  void r20_a_whole_cached_file_is_read_without_the_daemon() throws Exception {
    byte[] big = Bucket.bytes(5 << 20, 1);
    bucket.put("big", big);
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(mount.kernel().passthroughOff()).isEmpty();
      assertThat(mount.cat("big")).isEqualTo(big);
      MountFixture.await(() -> mount.handles().openFiles() == 0);
      long reads = mount.requests("READ");
      assertThat(reads).isPositive();
      MountFixture.dropKernelCaches();
      assertThat(mount.cat("big")).isEqualTo(big);
      assertThat(mount.requests("READ")).isEqualTo(reads);
      assertThat(mount.handles().passthroughOpens()).isEqualTo(1);
    }
  }

  @Test
  void r13_listing_costs_list_pages_only_and_attributes_one_head_each_once() throws Exception {
    for (int i = 0; i < 40; i++) {
      bucket.put("d/f%02d".formatted(i), "x");
    }
    bucket.put("d/sub/x", "x");
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(mount.sh("ls -f d").lines()).hasSize(43).contains("f00", "f39", "sub");
      assertThat(bucket.calls().drain())
          .containsExactlyInAnyOrder("HEAD d", "LIST d/ max=1", "LIST d/ delimiter");
      assertThat(mount.sh("ls -l d").lines()).hasSize(42);
      List<String> calls = bucket.calls().drain();
      assertThat(calls).hasSize(41).allMatch(call -> call.startsWith("HEAD d/"));
      assertThat(calls).doesNotHaveDuplicates();
      MountFixture.dropKernelCaches();
      assertThat(mount.sh("ls -l d").lines()).hasSize(42);
      assertThat(bucket.calls().drain()).isEmpty();
    }
  }

  @Test
  void r13_with_attributes_list_even_ls_l_costs_list_pages_only() throws Exception {
    for (int i = 0; i < 40; i++) {
      bucket.put("d/f%02d".formatted(i), "x");
    }
    try (MountFixture mount =
        new MountFixture(dir, bucket.store(), Options.USUAL.attributes(AttributeMode.LIST))) {
      assertThat(mount.sh("ls -l d").lines()).hasSize(41);
      assertThat(bucket.calls().drain())
          .containsExactlyInAnyOrder("HEAD d", "LIST d/ max=1", "LIST d/ delimiter");
    }
  }

  @Test
  void r18_a_missing_name_is_asked_for_each_time_unless_negative_ttl_says_otherwise()
      throws Exception {
    bucket.put("there", "x");
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL)) {
      assertThat(mount.sh("cat missing; cat missing").err()).contains("No such file");
      assertThat(bucket.calls().drain())
          .containsExactlyInAnyOrder(
              "HEAD missing", "LIST missing/ max=1", "HEAD missing", "LIST missing/ max=1");
      bucket.put("missing", "now");
      assertThat(mount.sh("cat missing").text()).isEqualTo("now");
    }
    bucket.calls().drain();
    Options remembered = Options.USUAL.negativeTtl(Duration.ofMinutes(10));
    try (MountFixture mount = new MountFixture(dir.resolve("other"), bucket.store(), remembered)) {
      assertThat(mount.sh("cat gone; cat gone").err()).contains("No such file");
      assertThat(bucket.calls().drain()).containsExactlyInAnyOrder("HEAD gone", "LIST gone/ max=1");
      mount.sh("ls -f .");
      bucket.calls().drain();
      assertThat(mount.sh("cat never").err()).contains("No such file");
      assertThat(bucket.calls().drain()).as("the listing did not have it").isEmpty();
    }
  }

  @Test
  void r14_stale_names_of_one_directory_are_confirmed_by_list_pages() throws Exception {
    for (int i = 0; i < 60; i++) {
      bucket.put("d/f%02d".formatted(i), "x" + i);
    }
    Duration ttl = Duration.ofSeconds(3);
    try (MountFixture mount = new MountFixture(dir, bucket.store(), Options.USUAL.ttl(ttl))) {
      assertThat(mount.sh("cat d/* | wc -c").text().strip()).isEqualTo("170");
      bucket.put("d/f30", "replaced");
      long seen = System.nanoTime();
      MountFixture.await(() -> System.nanoTime() - seen > ttl.toNanos());
      assertThat(mount.sh("cat $(seq -f 'd/f%02g' 0 59) | wc -c").text().strip()).isEqualTo("175");
      List<String> calls = bucket.calls().drain();
      assertThat(calls).filteredOn(call -> call.startsWith("GET")).containsExactly("GET d/f30 0+8");
      // The directory and the first names one by one, then a page, and the metadata of what is new.
      assertThat(calls).filteredOn(call -> call.startsWith("HEAD")).hasSizeLessThanOrEqualTo(6);
      assertThat(calls).filteredOn(call -> call.contains("after=")).isNotEmpty();
    }
  }

  @Test
  void r36_with_opens_skipped_files_are_read_without_open_or_release() throws Exception {
    byte[] big = Bucket.bytes(5 << 20, 1);
    bucket.put("big", big).put("small", "hello");
    Options skip = Options.USUAL.open(FuseOptions.Open.SKIP).ttl(Duration.ofMillis(400));
    try (MountFixture mount = new MountFixture(dir, bucket.store(), skip)) {
      for (int i = 0; i < 3; i++) {
        assertThat(mount.cat("big")).isEqualTo(big);
        assertThat(mount.cat("small")).asString(StandardCharsets.UTF_8).isEqualTo("hello");
        MountFixture.dropKernelCaches();
      }
      assertThat(mount.requests("OPEN")).isEqualTo(1);
      assertThat(mount.requests("RELEASE")).isZero();
      assertThat(bucket.calls().drain()).filteredOn(c -> c.startsWith("GET")).hasSize(3);
      bucket.put("small", "another");
      MountFixture.await(
          () -> new String(mountCat(mount), StandardCharsets.UTF_8).equals("another"));
    }
  }

  private static byte[] mountCat(MountFixture mount) throws IOException {
    try {
      return mount.cat("small");
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
