package io.tiermount.fs.cache;

import static io.tiermount.fs.cache.CacheHouse.BLOCK;
import static io.tiermount.fs.cache.CacheHouse.readAndCompare;
import static io.tiermount.fs.cache.CacheHouse.readCachedAndCompare;
import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.Version;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS R25: one cache under several scopes, and no way from one to the other. */
class IsolationTest {
  private static final long BUDGET = 64L << 20;
  private static final int SIZE = 2 * BLOCK + 777;

  @TempDir Path directory;

  /** One key of one scope, and a source whose bytes are like nobody else's. */
  private record Tenant(ContentKey key, CountingSource source) {
    static Tenant of(String scope, String key, String version) {
      CountingSource source = new CountingSource(scope + "|" + key + "|" + version, SIZE);
      return new Tenant(new ContentKey(scope, key, new Version(version)), source);
    }

    CachedFile open(CacheHouse house) {
      return house.cache.open(key, SIZE, source);
    }
  }

  /**
   * The same key and version everywhere, and names that are the same once they are put together.
   */
  private static List<Tenant> tenants() {
    return List.of(
        Tenant.of("s3://b/one", "k", "v1"),
        Tenant.of("s3://b/two", "k", "v1"),
        Tenant.of("s3://b/one", "k", "v2"),
        Tenant.of("s3://b", "one/k", "v1"),
        Tenant.of("s3://b/", "one/k", "v1"),
        Tenant.of("s3://b/one/", "k", "v1"),
        Tenant.of("s3://b/one", "kv", "1"),
        Tenant.of("", "s3://b/onek", "v1"));
  }

  private static void fillAll(CacheHouse house) throws IOException {
    for (Tenant tenant : tenants()) {
      try (CachedFile file = tenant.open(house)) {
        assertThat(file.isWhole()).as("%s finds nothing of others", tenant.key).isFalse();
        assertThat(house.cache.contains(tenant.key)).isFalse();
        house.fill(file, tenant.source);
        assertThat(tenant.source.fetched).as("its own source was asked").isNotEmpty();
      }
    }
  }

  private static void assertOwnBytes(CacheHouse house, Tenant tenant) {
    try (CachedFile file = tenant.open(house)) {
      assertThat(readCachedAndCompare(file, tenant.source, 0, SIZE)).as("%s", tenant.key).isTrue();
    }
    assertThat(tenant.source.fetched).as("%s is cached", tenant.key).isEmpty();
  }

  @Test
  void r25_the_same_key_and_version_of_another_scope_is_another_content() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      fillAll(house);
      for (Tenant tenant : tenants()) {
        assertOwnBytes(house, tenant);
      }
    }
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      for (Tenant tenant : tenants()) {
        assertOwnBytes(house, tenant);
      }
    }
  }

  @Test
  void r25_readers_of_all_scopes_at_once_share_no_fetch() throws Exception {
    List<Tenant> tenants = tenants();
    try (CacheHouse house = new CacheHouse(directory, BUDGET);
        ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> readers = new ArrayList<>();
      for (int i = 0; i < 4 * tenants.size(); i++) {
        Tenant tenant = tenants.get(i % tenants.size());
        readers.add(
            pool.submit(() -> {
              try (CachedFile file = tenant.open(house)) {
                readAndCompare(file, tenant.source, 0, SIZE, false);
              }
              return null;
            }));
      }
      for (Future<?> reader : readers) {
        reader.get();
      }
    }
    assertThat(tenants).allSatisfy(tenant -> assertThat(tenant.source.fetched).isNotEmpty());
  }

  @Test
  void r25_evicting_one_scope_leaves_scopes_with_the_same_beginning_alone() throws Exception {
    try (CacheHouse house = new CacheHouse(directory, BUDGET)) {
      fillAll(house);
      assertThat(house.cache.evictAll("s3://b/one")).isPositive();
      for (Tenant tenant : tenants()) {
        if (tenant.key.scope().equals("s3://b/one")) {
          assertThat(house.cache.contains(tenant.key)).as("%s", tenant.key).isFalse();
        } else {
          assertOwnBytes(house, tenant);
        }
      }
    }
  }
}
