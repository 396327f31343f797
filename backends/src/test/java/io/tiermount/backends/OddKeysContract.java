package io.tiermount.backends;

import static io.tiermount.backends.StoreFixture.all;
import static io.tiermount.backends.StoreFixture.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ObjectStore.PendingUpload;
import io.tiermount.backends.StoreException.Kind;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Keys that paths, URLs, XML or a disk could mangle: each is a key of its own, taken and given back
 * byte for byte, or refused with INVALID where the store says so ({@link #refusedKeys}).
 */
interface OddKeysContract extends StoreFixture {
  String KEY_OF_1024_BYTES = "long/" + "é".repeat(509) + "x";

  List<String> ODD_KEYS =
      List.of(
          "with space",
          " leading space",
          "trailing space ",
          "two  spaces",
          "plus+plus",
          "percent%25",
          "percent%",
          "percent%zz%2F",
          "q?uestion&amp=1#hash",
          "quotes'\"`",
          "<tag attr='&lt;'>]]>",
          "semi;colon:comma,equals=at@star*",
          "paren(){}[]|^~!$",
          "back\\slash\\",
          "ünïcödé/日本語",
          "emoji/😀",
          "composed \u00e9",
          "decomposed e\u0301",
          "rtl \u202e zero\u200bwidth",
          "tab\tinside",
          "newline\ninside",
          "return\rinside",
          "bell\u0007escape\u001bdelete\u007f",
          "nel\u0085line\u2028",
          "nonchar\uffff\ufffe",
          "/leading/slash",
          "//two/leading",
          "trailing/",
          "trailing//",
          "a//b",
          "a///b",
          "a",
          "a/b",
          "a/b/",
          "A",
          ".",
          "..",
          "./dot",
          "../up",
          "dots/../x",
          "dots/./x",
          "dots/..",
          "...",
          "-rf",
          "~",
          "COM1",
          "name.",
          "x-amz-meta-y",
          "uploads",
          "segment-of-255-and-more/" + "s".repeat(300),
          KEY_OF_1024_BYTES);

  private List<String> takenKeys() {
    return ODD_KEYS.stream().filter(key -> !refusedKeys().contains(key)).toList();
  }

  @Test
  default void each_odd_key_is_an_object_of_its_own() throws Exception {
    List<String> taken = takenKeys();
    for (String key : taken) {
      put(key, "content of " + key);
    }
    for (String key : taken) {
      assertThat(store().head(key)).as("head of <%s>", key).isPresent();
      assertThat(text(key)).isEqualTo("content of " + key);
    }
    List<String> sorted = new ArrayList<>(taken);
    sorted.sort(Keys.ORDER);
    assertThat(listAll(all(""))).isEqualTo(sorted);
    assertThat(listAll(new ListRequest("", null, null, null, 3))).isEqualTo(sorted);
    for (String key : taken) {
      store().delete(key);
      assertThat(store().head(key)).as("head of <%s> after delete", key).isEmpty();
    }
    assertThat(listAll(all(""))).isEmpty();
  }

  @Test
  default void refused_keys_are_invalid_and_leave_nothing() throws Exception {
    for (String key : refusedKeys()) {
      assertFails(Kind.INVALID, () -> put(key, "x"));
    }
    assertThat(listAll(all(""))).isEmpty();
  }

  @Test
  default void odd_keys_are_found_as_prefix_and_start_after() throws Exception {
    for (String key : takenKeys()) {
      if (key.equals(KEY_OF_1024_BYTES)) {
        continue; // no key can be below it
      }
      put(key + "/child", "x");
      assertThat(listAll(ListRequest.directory(key + "/")))
          .as("below <%s>", key)
          .isEqualTo(List.of(key + "/child"));
      assertThat(listAll(new ListRequest(key, null, null, key + "/child", 10)))
          .as("behind <%s>", key)
          .isEmpty();
      store().delete(key + "/child");
    }
  }

  @Test
  default void odd_keys_can_be_copied_and_uploaded() throws Exception {
    for (String key : takenKeys()) {
      put(key, "from");
      store().copy(key, null, "copy", null, WriteCondition.ALWAYS);
      assertThat(text("copy")).as("copy of <%s>", key).isEqualTo("from");
      store().delete(key);
      store().copy("copy", null, key, null, WriteCondition.ALWAYS);
      assertThat(text(key)).as("copy to <%s>", key).isEqualTo("from");
      store().delete(key);
      if (store().limits().multipart()) {
        Upload upload = store().startUpload(key, ObjectAttributes.NONE);
        assertThat(store().pendingUploads(key))
            .containsExactly(new PendingUpload(key, upload.uploadId()));
        upload.part(1, ByteSource.of(new byte[] {1}));
        upload.complete(WriteCondition.ALWAYS);
        assertThat(read(key, null, 0, 10)).as("upload of <%s>", key).isEqualTo(new byte[] {1});
        store().delete(key);
      }
    }
  }

  @Test
  default void an_object_may_stand_beside_keys_below_it() throws Exception {
    put("d", "object");
    put("d/", "marker");
    put("d/x", "child");
    put("d//x", "empty segment");
    put("d.txt", "between in key order");
    assertThat(text("d")).isEqualTo("object");
    assertThat(text("d/")).isEqualTo("marker");
    assertThat(text("d/x")).isEqualTo("child");
    assertThat(text("d//x")).isEqualTo("empty segment");
    assertThat(listAll(ListRequest.directory(""))).containsExactly("d", "d.txt", "d/");
    assertThat(listAll(ListRequest.directory("d/"))).containsExactly("d/", "d//", "d/x");
    assertThat(listAll(ListRequest.directory("d//"))).containsExactly("d//x");
    store().delete("d");
    assertThat(text("d/x")).isEqualTo("child");
    store().delete("d/");
    assertThat(listAll(ListRequest.directory(""))).containsExactly("d.txt", "d/");
  }

  @Test
  default void keys_no_store_can_hold_are_invalid() throws Exception {
    String tooLong = "k".repeat(store().limits().maxKeyBytes() + 1);
    for (String key : List.of("", tooLong, "lone\ud800surrogate")) {
      assertFails(Kind.INVALID, () -> put(key, "x"));
      assertFails(Kind.INVALID, () -> store().head(key));
      assertFails(Kind.INVALID, () -> store().delete(key));
    }
  }
}
