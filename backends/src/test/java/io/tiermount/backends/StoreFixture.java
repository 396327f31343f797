package io.tiermount.backends;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tiermount.backends.StoreException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/** What the chapters of {@link ObjectStoreContract} share. */
public interface StoreFixture {
  /** The store under test, empty at the start of each test. */
  ObjectStore store();

  /** Keys of {@link OddKeysContract} that this store refuses with INVALID, for a stated reason. */
  default Set<String> refusedKeys() {
    return Set.of();
  }

  default ObjectInfo put(String key, String text) throws StoreException {
    return put(key, text.getBytes(StandardCharsets.UTF_8));
  }

  default ObjectInfo put(String key, byte[] bytes) throws StoreException {
    return store().put(key, ByteSource.of(bytes), ObjectAttributes.NONE, WriteCondition.ALWAYS);
  }

  default ObjectInfo put(String key, String text, WriteCondition condition) throws StoreException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return store().put(key, ByteSource.of(bytes), ObjectAttributes.NONE, condition);
  }

  default byte[] read(String key, @Nullable Version version, long offset, int length)
      throws StoreException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    store().read(key, version, offset, length, ReadTarget.into(buffer));
    byte[] bytes = new byte[buffer.flip().remaining()];
    buffer.get(bytes);
    return bytes;
  }

  default String text(String key) throws StoreException {
    return new String(read(key, null, 0, 1 << 20), StandardCharsets.UTF_8);
  }

  /** Lists all pages and checks what holds for every page. */
  default List<String> listAll(ListRequest first) throws StoreException {
    List<String> all = new ArrayList<>();
    ListRequest request = first;
    for (int pages = 0; ; pages++) {
      assertThat(pages).as("pages of an endless listing").isLessThan(10_000);
      ListPage page = store().list(request);
      List<String> names = names(page);
      assertThat(names.size()).isLessThanOrEqualTo(first.maxKeys());
      all.addAll(names);
      String next = page.nextToken();
      if (next == null) {
        break;
      }
      request = request.next(next);
    }
    assertThat(all).isSortedAccordingTo(Keys.ORDER).doesNotHaveDuplicates();
    return all;
  }

  /** Keys and common prefixes of a page, merged in key order. */
  static List<String> names(ListPage page) {
    return Stream.concat(
            page.objects().stream().map(ObjectInfo::key), page.commonPrefixes().stream())
        .sorted(Keys.ORDER)
        .toList();
  }

  static ListRequest all(String prefix) {
    return new ListRequest(prefix, null, null, null, ListRequest.MAX_KEYS);
  }

  static ObjectAttributes attributes(String contentType, Map<String, String> metadata) {
    return new ObjectAttributes(contentType, metadata);
  }

  static byte[] random(long seed, int size) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static StoreException failure(ThrowingCallable call) {
    StoreException failure = catchThrowableOfType(StoreException.class, call);
    assertThat(failure).as("the StoreException of a call that must fail").isNotNull();
    assertThat(failure.getMessage()).isNotBlank();
    return failure;
  }

  static void assertFails(Kind kind, ThrowingCallable call) {
    StoreException failure = failure(call);
    assertThat(failure.kind()).as(failure.getMessage()).isEqualTo(kind);
  }
}
