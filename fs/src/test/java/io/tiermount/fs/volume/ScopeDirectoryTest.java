package io.tiermount.fs.volume;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.FaultyStore;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.WriteCondition;
import io.tiermount.fs.MountFixture;
import io.tiermount.fs.scope.AccessOptions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** SEMANTICS S6. */
final class ScopeDirectoryTest {
  private static final String PREFIX = "acme/c1/users/ann/";

  private final MemoryStore memory = new MemoryStore();
  private final FaultyStore store = new FaultyStore(memory);

  private ScopeDirectory directory() {
    VolumeOptions options =
        new VolumeOptions(
            PREFIX,
            false,
            VolumeOptions.AttributeMode.FULL,
            1000,
            1000,
            0644,
            0755,
            Duration.ofSeconds(1),
            Duration.ofSeconds(1),
            Duration.ZERO,
            VolumeOptions.Revalidate.TTL);
    AccessOptions access =
        new AccessOptions(
            List.of(),
            List.of(),
            Map.of(500, 1000),
            Map.of(),
            0,
            false,
            new AccessOptions.Root(01777, 0700, true));
    return new ScopeDirectory(store, options, access, InstantSource.system(), Duration.ofMillis(1));
  }

  private ObjectInfo awaitMade() throws Exception {
    MountFixture.await(() -> memory.head(PREFIX).isPresent());
    return memory.head(PREFIX).orElseThrow();
  }

  @Test
  void s6_it_is_made_with_the_scope_s_mode_and_the_owner_s_number_in_the_store() throws Exception {
    try (ScopeDirectory directory = directory()) {
      directory.start();
      assertThat(awaitMade().metadata())
          .containsEntry("mode", String.valueOf(040700))
          .containsEntry("uid", "500")
          .containsEntry("gid", "1000");
    }
  }

  @Test
  void s6_it_is_made_once_a_store_that_was_down_is_back() throws Exception {
    store.failNext("HEAD", 3, new FaultyStore.Fault.Fails(StoreException.Kind.UNAVAILABLE));
    try (ScopeDirectory directory = directory()) {
      directory.start();
      assertThat(awaitMade().sizeBytes()).isZero();
    }
  }

  @Test
  void s6_missing_rights_are_no_failure_and_are_not_asked_for_again() throws Exception {
    store.failNext("PUT", 1, new FaultyStore.Fault.Fails(StoreException.Kind.ACCESS_DENIED));
    try (ScopeDirectory directory = directory()) {
      directory.run();
    }
    assertThat(memory.calls().drain()).containsExactly("HEAD " + PREFIX);
    try (ScopeDirectory directory = directory()) {
      directory.run();
      directory.run();
    }
    assertThat(memory.calls().lines())
        .containsExactly("HEAD " + PREFIX, "PUT " + PREFIX + " 0 if-absent", "HEAD " + PREFIX);
  }

  @Test
  void s7_a_cluster_that_had_ended_and_is_mounted_again_lives() throws Exception {
    Map<String, String> ended =
        Map.of("mode", "16877", ScopeDirectory.ENDED, "2026-01-01T00:00:00Z", "theirs", "kept");
    ObjectInfo _ =
        memory.put(
            PREFIX,
            ByteSource.of(new byte[0]),
            new ObjectAttributes("application/x-directory", ended),
            WriteCondition.ALWAYS);
    assertThat(ScopeDirectory.ended(memory.head(PREFIX).orElseThrow())).isNotNull();
    try (ScopeDirectory directory = directory()) {
      directory.run();
    }
    ObjectInfo now = memory.head(PREFIX).orElseThrow();
    assertThat(ScopeDirectory.ended(now)).isNull();
    assertThat(now.metadata()).containsEntry("theirs", "kept").containsEntry("mode", "16877");
  }
}
