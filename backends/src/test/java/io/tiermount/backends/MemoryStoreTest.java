package io.tiermount.backends;

import static io.tiermount.backends.StoreFixture.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.StoreException.Kind;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;

final class MemoryStoreTest extends ObjectStoreContract {
  @Override
  protected ObjectStore newStore() {
    return new MemoryStore();
  }

  @Test
  void calls_are_logged_one_line_each() throws Exception {
    try (MemoryStore store = new MemoryStore()) {
      ObjectInfo info =
          store.put(
              "a/b", ByteSource.of(new byte[5]), ObjectAttributes.NONE, WriteCondition.IF_ABSENT);
      store.head("a/b");
      store.read("a/b", info.version(), 0, 4096, bytes -> bytes.position(bytes.limit()));
      store.list(ListRequest.directory("a/"));
      store.list(new ListRequest("a/", null, null, "a/a", 5));
      store.delete("a/b");
      assertThat(store.calls().drain())
          .containsExactly(
              "PUT a/b 5 if-absent",
              "HEAD a/b",
              "GET a/b 0+4096",
              "LIST a/ delimiter",
              "LIST a/ after=a/a max=5",
              "DELETE a/b");
      assertThat(store.calls().lines()).isEmpty();
    }
  }

  @Test
  void a_small_part_that_is_not_the_last_is_refused() throws Exception {
    try (MemoryStore store = new MemoryStore()) {
      Upload upload = store.startUpload("k", ObjectAttributes.NONE);
      upload.part(1, ByteSource.of(new byte[5]));
      upload.part(2, ByteSource.of(new byte[5]));
      assertFails(Kind.INVALID, () -> upload.complete(WriteCondition.ALWAYS));
    }
  }

  @Test
  void versions_are_of_the_content_or_of_the_write() throws Exception {
    try (MemoryStore byContent = new MemoryStore();
        MemoryStore byWrite =
            new MemoryStore(MemoryStore.S3_LIMITS, true, InstantSource.system())) {
      assertThat(version(byContent)).isEqualTo(version(byContent));
      assertThat(version(byWrite)).isNotEqualTo(version(byWrite));
    }
  }

  private static Version version(ObjectStore store) throws StoreException {
    return store
        .put("k", ByteSource.of(new byte[5]), ObjectAttributes.NONE, WriteCondition.ALWAYS)
        .version();
  }
}
