package io.tiermount.backends;

import static io.tiermount.backends.StoreFixture.assertFails;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.StoreException.Kind;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** SEMANTICS R31. */
final class PrefixedStoreTest extends ObjectStoreContract {
  private static final String PREFIX = "org/cloud/users/ü/";

  @Override
  protected ObjectStore newStore() {
    return new PrefixedStore(new MemoryStore(), PREFIX);
  }

  /** They would leave where a gateway resolves dots; the long one has no room beside the prefix. */
  @Override
  public Set<String> refusedKeys() {
    return Set.of("..", "../up", OddKeysContract.KEY_OF_1024_BYTES);
  }

  @Test
  void every_request_is_below_the_prefix() throws Exception {
    MemoryStore memory = new MemoryStore();
    try (PrefixedStore store = new PrefixedStore(memory, "p/q/")) {
      store.put("a", ByteSource.of(new byte[1]), ObjectAttributes.NONE, WriteCondition.ALWAYS);
      store.head("a");
      store.list(ListRequest.directory(""));
      store.list(new ListRequest("", null, null, "a", 7));
      store.copy("a", null, "b", null, WriteCondition.ALWAYS);
      store.pendingUploads("");
      store.delete("a");
      assertThat(memory.calls().drain())
          .containsExactly(
              "PUT p/q/a 1",
              "HEAD p/q/a",
              "LIST p/q/ delimiter",
              "LIST p/q/ after=p/q/a max=7",
              "COPY p/q/a -> p/q/b",
              "UPLOADS p/q/",
              "DELETE p/q/a");
    }
  }

  @Test
  void keys_that_would_leave_are_refused_and_nothing_is_sent() {
    MemoryStore memory = new MemoryStore();
    try (PrefixedStore store = new PrefixedStore(memory, "p/")) {
      for (String key : List.of("..", "../x", "a/../../x", "./../x", "a/../..", "//../x")) {
        assertFails(Kind.INVALID, () -> store.head(key));
        assertFails(Kind.INVALID, () -> store.delete(key));
        assertFails(Kind.INVALID, () -> store.list(ListRequest.directory(key + "/")));
        assertFails(Kind.INVALID, () -> store.copy("a", null, key, null, WriteCondition.ALWAYS));
        assertFails(Kind.INVALID, () -> store.startUpload(key, ObjectAttributes.NONE));
        assertFails(Kind.INVALID, () -> store.pendingUploads(key));
      }
      assertFails(Kind.INVALID, () -> store.head(""));
      assertThat(memory.calls().lines()).isEmpty();
    }
  }

  @Test
  void neighbours_and_the_marker_of_the_prefix_are_not_seen() throws Exception {
    MemoryStore memory = new MemoryStore();
    try (PrefixedStore store = new PrefixedStore(memory, "p/")) {
      for (String key : List.of("p", "p/", "p/a", "p0", "q")) {
        memory.put(key, ByteSource.of(new byte[1]), ObjectAttributes.NONE, WriteCondition.ALWAYS);
      }
      assertThat(store.list(ListRequest.directory("")).objects())
          .extracting(ObjectInfo::key)
          .containsExactly("a");
    }
  }

  @Test
  void errors_name_the_relative_key() {
    try (PrefixedStore store = new PrefixedStore(new MemoryStore(), "p/")) {
      StoreException failure =
          StoreFixture.failure(() -> store.read("a/b", null, 0, 1, bytes -> {}));
      assertThat(failure.key()).isEqualTo("a/b");
      assertThat(failure.kind()).isEqualTo(Kind.NOT_FOUND);
    }
  }

  @Test
  void a_prefix_that_is_not_plain_is_refused() {
    for (String prefix : List.of("", "/", "a", "a//b/", "/a/", "a/../b/", "./a/")) {
      assertThatThrownBy(() -> new PrefixedStore(new MemoryStore(), prefix))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
