package io.tiermount.backends;

import static io.tiermount.backends.StoreFixture.all;
import static io.tiermount.backends.StoreFixture.names;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Listings. */
interface ListContract extends StoreFixture {
  private void putAll(String... keys) throws StoreException {
    for (String key : keys) {
      put(key, key);
    }
  }

  @Test
  default void an_empty_store_lists_nothing() throws Exception {
    ListPage page = store().list(ListRequest.directory(""));
    assertThat(page.objects()).isEmpty();
    assertThat(page.commonPrefixes()).isEmpty();
    assertThat(page.nextToken()).isNull();
    assertThat(listAll(all("no/such/"))).isEmpty();
  }

  @Test
  default void a_listing_tells_size_version_and_time_as_head_does() throws Exception {
    put("dir/a", "12345");
    ObjectInfo head = store().head("dir/a").orElseThrow();
    ObjectInfo listed = store().list(ListRequest.directory("dir/")).objects().getFirst();
    assertThat(listed.key()).isEqualTo("dir/a");
    assertThat(listed.sizeBytes()).isEqualTo(5);
    assertThat(listed.version()).isEqualTo(head.version());
    assertThat(listed.lastModified()).isEqualTo(head.lastModified());
    assertThat(listed.lastModified().truncatedTo(ChronoUnit.SECONDS))
        .isEqualTo(head.lastModified().truncatedTo(ChronoUnit.SECONDS));
    assertThat(listed.metadata() != null).isEqualTo(store().limits().listsMetadata());
  }

  @Test
  default void a_delimiter_rolls_deeper_keys_up() throws Exception {
    putAll("top", "dir/a", "dir/b", "dir/sub/c", "dir2/d", "zz/e/f");
    ListPage root = store().list(ListRequest.directory(""));
    assertThat(root.objects()).extracting(ObjectInfo::key).containsExactly("top");
    assertThat(root.commonPrefixes()).containsExactly("dir/", "dir2/", "zz/");
    ListPage dir = store().list(ListRequest.directory("dir/"));
    assertThat(dir.objects()).extracting(ObjectInfo::key).containsExactly("dir/a", "dir/b");
    assertThat(dir.commonPrefixes()).containsExactly("dir/sub/");
  }

  @Test
  default void a_prefix_need_not_end_at_a_segment() throws Exception {
    putAll("dir/a", "dir2/b", "do", "x");
    assertThat(listAll(all("d"))).containsExactly("dir/a", "dir2/b", "do");
    assertThat(listAll(ListRequest.directory("d"))).containsExactly("dir/", "dir2/", "do");
    assertThat(listAll(all("dir/a"))).containsExactly("dir/a");
  }

  @Test
  default void without_a_delimiter_every_key_is_listed() throws Exception {
    putAll("a", "b/c", "b/d/e", "f");
    assertThat(listAll(all(""))).containsExactly("a", "b/c", "b/d/e", "f");
    assertThat(listAll(all("b/"))).containsExactly("b/c", "b/d/e");
  }

  @Test
  default void order_is_that_of_the_utf_8_bytes() throws Exception {
    List<String> keys =
        new ArrayList<>(
            List.of("Z", "a", "a b", "a!", "a-b", "a.b", "a/b", "a0", "aa", "é", "日", "～", "😀"));
    for (String key : keys.reversed()) {
      put(key, "x");
    }
    keys.sort(Keys.ORDER);
    assertThat(listAll(all(""))).isEqualTo(keys);
    assertThat(keys.indexOf("～")).isLessThan(keys.indexOf("😀"));
  }

  @Test
  default void pages_are_bounded_and_together_whole() throws Exception {
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 23; i++) {
      String name = "p/%02d".formatted(i) + (i % 3 == 0 ? "/" : "");
      put(i % 3 == 0 ? name + "x" : name, "x");
      if (i % 3 == 0) {
        put(name + "y", "x");
      }
      expected.add(name);
    }
    put("q", "behind the prefix");
    for (int max : new int[] {1, 2, 5, 22, 23, 24, 1000}) {
      ListRequest request = new ListRequest("p/", "/", null, null, max);
      assertThat(listAll(request)).as("maxKeys %d", max).isEqualTo(expected);
    }
  }

  @Test
  default void a_last_page_has_no_token() throws Exception {
    putAll("a", "b", "c");
    ListPage first = store().list(new ListRequest("", null, null, null, 2));
    assertThat(names(first)).containsExactly("a", "b");
    String token = Objects.requireNonNull(first.nextToken());
    ListPage last = store().list(new ListRequest("", null, null, null, 2).next(token));
    assertThat(names(last)).containsExactly("c");
    assertThat(last.nextToken()).isNull();
  }

  @Test
  default void start_after_leaves_out_what_is_not_behind_it() throws Exception {
    putAll("d/a", "d/b", "d/c/1", "d/c/2", "d/e");
    assertThat(listAll(new ListRequest("d/", null, null, "d/b", 1000)))
        .containsExactly("d/c/1", "d/c/2", "d/e");
    assertThat(listAll(new ListRequest("d/", null, null, "d/bb", 1)))
        .containsExactly("d/c/1", "d/c/2", "d/e");
    assertThat(listAll(new ListRequest("d/", "/", null, "d/b", 1000)))
        .containsExactly("d/c/", "d/e");
    assertThat(listAll(new ListRequest("d/", "/", null, "d/zzz", 1000))).isEmpty();
    assertThat(listAll(new ListRequest("d/", "/", null, "a", 1)))
        .containsExactly("d/a", "d/b", "d/c/", "d/e");
  }

  @Test
  default void start_after_a_common_prefix_goes_on_behind_it() throws Exception {
    putAll("d/a", "d/c/1", "d/c/2", "d/e");
    assertThat(listAll(new ListRequest("d/", "/", null, "d/c/", 1000))).containsExactly("d/e");
    assertThat(listAll(new ListRequest("d/", "/", null, "d/c/1", 1))).containsExactly("d/e");
  }

  @Test
  default void a_deleted_key_leaves_the_listing_and_its_prefix_goes_with_the_last()
      throws Exception {
    putAll("d/a", "d/s/b");
    store().delete("d/s/b");
    assertThat(listAll(ListRequest.directory("d/"))).containsExactly("d/a");
    assertThat(listAll(all(""))).containsExactly("d/a");
    assertThat(listAll(ListRequest.directory("d/s/"))).isEmpty();
  }

  @Test
  default void more_keys_than_a_page_holds_are_listed_whole() throws Exception {
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 1_050; i++) {
      String key = "many/%05d".formatted(i);
      put(key, "");
      expected.add(key);
    }
    assertThat(listAll(ListRequest.directory("many/"))).isEqualTo(expected);
  }
}
