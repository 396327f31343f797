package io.tiermount.daemon.scopes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.FaultyStore;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.MemoryStore;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.WriteCondition;
import io.tiermount.daemon.scopes.ScopeStore.Found;
import io.tiermount.daemon.scopes.ScopeStore.Usage;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.scope.ScopeLayout;
import io.tiermount.fs.scope.ScopeLayout.Scope;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SEMANTICS S7 and S8. */
final class PurgeTest {
  private static final String HOME = "acme/c1/artifact_storage/";
  private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

  private final MemoryStore memory = new MemoryStore();
  private final FaultyStore store = new FaultyStore(memory);
  private final ScopeLayout layout = new ScopeLayout(HOME);
  private final ScopeStore scopes = new ScopeStore(store, layout);
  private final Purge purge = new Purge(store, layout);

  private void put(String key) throws StoreException {
    ObjectInfo _ =
        memory.put(
            key,
            ByteSource.of(new byte[key.endsWith("/") ? 0 : 10]),
            ObjectAttributes.NONE,
            WriteCondition.ALWAYS);
  }

  @BeforeEach
  void fill() throws StoreException {
    for (String key :
        List.of(
            "clusters/k1/",
            "clusters/k1/a",
            "clusters/k1/d/b",
            "clusters/k1/a//b",
            "clusters/k10/x",
            "clusters/k2/x",
            "clusters/loose",
            "users/ann/f",
            "users/k1/f",
            "shared/f",
            "other/f")) {
      put(HOME + key);
    }
    put("acme/c1/clusters/k1/theirs");
    put("acme/c1/theirs");
    put("clusters/k1/theirs");
    memory.calls().drain();
  }

  private List<String> keys() throws StoreException {
    return memory.list(new ListRequest("", null, null, null, 1000)).objects().stream()
        .map(ObjectInfo::key)
        .toList();
  }

  @Test
  void s7_scopes_are_listed_and_counted() throws StoreException {
    assertThat(scopes.list())
        .containsExactly(
            new Found(layout.cluster("k1"), null),
            new Found(layout.cluster("k10"), null),
            new Found(layout.cluster("k2"), null),
            new Found(layout.user("ann"), null),
            new Found(layout.user("k1"), null),
            new Found(layout.shared(), null));
    assertThat(scopes.usage(layout.cluster("k1"))).isEqualTo(new Usage(4, 30));
    assertThat(scopes.usage(layout.cluster("k3"))).isEqualTo(new Usage(0, 0));
  }

  @Test
  void s7_an_ended_cluster_says_so_in_its_marker() throws StoreException {
    assertThat(scopes.end(layout.cluster("k1"), NOON)).isEqualTo(NOON);
    assertThat(scopes.end(layout.cluster("k1"), NOON.plusSeconds(9))).isEqualTo(NOON);
    assertThat(scopes.end(layout.cluster("k2"), NOON)).isEqualTo(NOON);
    assertThat(scopes.list())
        .contains(
            new Found(layout.cluster("k1"), NOON),
            new Found(layout.cluster("k2"), NOON),
            new Found(layout.cluster("k10"), null));
    assertThatThrownBy(() -> scopes.end(layout.user("ann"), NOON))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void s8_a_purge_deletes_what_the_cluster_has_and_nothing_else() throws Exception {
    List<String> before = keys();

    assertThat(purge.run(layout.cluster("k1"), (_, _) -> {})).isEqualTo(new Usage(4, 30));

    assertThat(keys())
        .containsExactlyElementsOf(
            before.stream().filter(key -> !key.startsWith(HOME + "clusters/k1/")).toList());
    assertThat(memory.calls().lines().stream().filter(call -> call.startsWith("DELETE ")))
        .isNotEmpty()
        .allMatch(call -> call.startsWith("DELETE " + HOME + "clusters/k1/"));
  }

  @Test
  void s7_an_interrupted_purge_goes_on_and_the_marker_goes_last() throws Exception {
    for (int i = 0; i < 2500; i++) {
      put(HOME + "clusters/k1/many/" + i);
    }
    scopes.end(layout.cluster("k1"), NOON);
    store.failNext(
        "DELETE " + HOME + "clusters/k1/many/1700",
        1,
        new FaultyStore.Fault.Fails(StoreException.Kind.UNAVAILABLE));

    assertThatThrownBy(() -> purge.run(layout.cluster("k1"), (_, _) -> {}))
        .isInstanceOf(StoreException.class);
    assertThat(scopes.list()).contains(new Found(layout.cluster("k1"), NOON));
    long left = scopes.usage(layout.cluster("k1")).objects();
    assertThat(left).isPositive().isLessThan(2504);

    long[] told = new long[1];
    Usage rest = purge.run(layout.cluster("k1"), (objects, _) -> told[0] = objects);
    assertThat(rest.objects()).isEqualTo(left).isEqualTo(told[0]);
    assertThat(scopes.usage(layout.cluster("k1"))).isEqualTo(new Usage(0, 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "acme/c1/artifact_storage/",
        "acme/c1/artifact_storage/clusters/",
        "acme/c1/artifact_storage/clusters/k1",
        "acme/c1/artifact_storage/clusters/k1/d/",
        "acme/c1/artifact_storage/clusters/../",
        "acme/c1/artifact_storage/clusters//",
        "acme/c1/artifact_storage/users/k1/",
        "acme/c1/clusters/k1/",
        "clusters/k1/"
      })
  void s8_any_other_prefix_is_refused(String prefix) throws Exception {
    List<String> before = keys();

    assertThatThrownBy(() -> purge.run(new Scope(ScopeKind.CLUSTER, "k1", prefix), (_, _) -> {}))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> purge.run(layout.user("ann"), (_, _) -> {}))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> purge.run(layout.shared(), (_, _) -> {}))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(keys()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a/b", "a/../b", "<x>", "a\nb"})
  void s8_names_that_are_no_clusters_are_refused(String name) {
    assertThatThrownBy(() -> layout.cluster(name)).isInstanceOf(IllegalArgumentException.class);
  }
}
