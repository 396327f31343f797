package io.tiermount.backends;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.FaultyStore.Fault;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.StoreMeter.Operation;
import io.tiermount.backends.StoreMeter.Reach;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;

final class MeteredStoreTest extends ObjectStoreContract {
  @Override
  protected ObjectStore newStore() {
    return new MeteredStore(new MemoryStore(), InstantSource.system());
  }

  @Test
  void calls_bytes_and_failures_are_counted_by_operation() throws Exception {
    FaultyStore faulty = new FaultyStore(new MemoryStore());
    try (MeteredStore store = new MeteredStore(faulty, InstantSource.system())) {
      store.put("k", ByteSource.of(new byte[500]), ObjectAttributes.NONE, WriteCondition.ALWAYS);
      store.read("k", null, 100, 50, ReadTarget.into(ByteBuffer.allocate(50)));
      faulty.failNext("GET k", 1, new Fault.Fails(Kind.THROTTLED));
      assertThatThrownBy(() -> store.read("k", null, 0, 10, bytes -> {}))
          .isInstanceOf(StoreException.class);
      StoreMeter.Count puts = store.meter().count(Operation.PUT);
      StoreMeter.Count reads = store.meter().count(Operation.READ);
      assertThat(puts.calls()).isEqualTo(1);
      assertThat(puts.bytes()).isEqualTo(500);
      assertThat(reads.calls()).isEqualTo(2);
      assertThat(reads.failures()).isEqualTo(1);
      assertThat(reads.bytes()).isEqualTo(50);
      assertThat(reads.totalNanos()).isPositive();
      assertThat(reads.quantileMicros(0.99)).isPositive();
      assertThat(store.meter().count(Operation.LIST).quantileMicros(0.5)).isZero();
    }
  }

  @Test
  void status_tells_whether_the_store_answers_and_its_last_error() throws Exception {
    Instant now = Instant.parse("2026-01-02T03:04:05Z");
    FaultyStore faulty = new FaultyStore(new MemoryStore());
    try (MeteredStore store = new MeteredStore(faulty, InstantSource.fixed(now))) {
      assertThat(store.meter().status().reach()).isEqualTo(Reach.UNKNOWN);
      faulty.setDown(true);
      assertThatThrownBy(() -> store.head("k")).isInstanceOf(StoreException.class);
      StoreMeter.Status down = store.meter().status();
      assertThat(down.reach()).isEqualTo(Reach.UNREACHABLE);
      assertThat(down.lastError())
          .isEqualTo(
              new StoreMeter.LastError(
                  now, Operation.HEAD, Kind.UNAVAILABLE, "HEAD k: the store is down"));
      faulty.setDown(false);
      assertThat(store.head("k")).isEmpty();
      StoreMeter.Status up = store.meter().status();
      assertThat(up.reach()).isEqualTo(Reach.REACHABLE);
      assertThat(up.lastError()).as("kept for people").isEqualTo(down.lastError());
    }
  }

  /** K4: a name is looked up by two calls at once, of which one is refused without a word. */
  @Test
  void a_refusal_without_words_does_not_hide_that_the_keys_are_refused() throws Exception {
    FaultyStore faulty = new FaultyStore(new MemoryStore());
    try (MeteredStore store = new MeteredStore(faulty, InstantSource.system())) {
      faulty.failNext("HEAD keys", 1, new Fault.Fails(Kind.KEYS_REFUSED));
      faulty.failNext("HEAD mute", 1, new Fault.Fails(Kind.ACCESS_DENIED));
      assertThatThrownBy(() -> store.head("keys")).isInstanceOf(StoreException.class);
      assertThatThrownBy(() -> store.head("mute")).isInstanceOf(StoreException.class);
      assertThat(store.meter().status().reach()).isEqualTo(Reach.REFUSED);
      assertThat(store.head("other")).isEmpty();
      assertThat(store.meter().status().reach()).isEqualTo(Reach.REACHABLE);
    }
  }

  @Test
  void a_missing_object_is_no_error_of_the_store() {
    try (MeteredStore store = new MeteredStore(new MemoryStore(), InstantSource.system())) {
      assertThatThrownBy(() -> store.read("k", null, 0, 1, bytes -> {}))
          .isInstanceOf(StoreException.class);
      assertThat(store.meter().status().reach()).isEqualTo(Reach.REACHABLE);
      assertThat(store.meter().status().lastError()).isNull();
    }
  }
}
