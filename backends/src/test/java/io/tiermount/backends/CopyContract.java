package io.tiermount.backends;

import static io.tiermount.backends.StoreFixture.assertFails;
import static io.tiermount.backends.StoreFixture.attributes;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.StoreException.Kind;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Copies on the server side. */
interface CopyContract extends StoreFixture {
  private ObjectInfo source(String key) throws StoreException {
    return store()
        .put(
            key,
            ByteSource.of("source".getBytes(UTF_8)),
            attributes("text/x-source", Map.of("mode", "33188", "uid", "5")),
            WriteCondition.ALWAYS);
  }

  @Test
  default void a_copy_keeps_content_type_and_metadata() throws Exception {
    source("from");
    ObjectInfo copy = store().copy("from", null, "to", null, WriteCondition.ALWAYS);
    ObjectInfo head = store().head("to").orElseThrow();
    assertThat(copy.key()).isEqualTo("to");
    assertThat(copy.version()).isEqualTo(head.version());
    assertThat(copy.sizeBytes()).isEqualTo(6);
    assertThat(text("to")).isEqualTo("source");
    assertThat(head.contentType()).isEqualTo("text/x-source");
    assertThat(head.metadata()).isEqualTo(Map.of("mode", "33188", "uid", "5"));
    assertThat(text("from")).isEqualTo("source");
  }

  @Test
  default void a_copy_with_attributes_replaces_them_all() throws Exception {
    ObjectInfo source = source("from");
    store()
        .copy(
            "from",
            source.version(),
            "to",
            attributes("text/x-new", Map.of("mode", "1")),
            WriteCondition.ALWAYS);
    ObjectInfo head = store().head("to").orElseThrow();
    assertThat(head.contentType()).isEqualTo("text/x-new");
    assertThat(head.metadata()).isEqualTo(Map.of("mode", "1"));
    assertThat(text("to")).isEqualTo("source");
  }

  @Test
  default void a_copy_onto_itself_changes_the_attributes_alone() throws Exception {
    ObjectInfo before = source("k");
    store()
        .copy(
            "k",
            before.version(),
            "k",
            attributes("text/x-source", Map.of("mode", "33279")),
            WriteCondition.ALWAYS);
    assertThat(text("k")).isEqualTo("source");
    assertThat(store().head("k").orElseThrow().metadata()).isEqualTo(Map.of("mode", "33279"));
  }

  @Test
  default void a_copy_of_a_stale_version_fails() throws Exception {
    ObjectInfo stale = source("from");
    put("from", "changed");
    assertFails(
        Kind.PRECONDITION_FAILED,
        () -> store().copy("from", stale.version(), "to", null, WriteCondition.ALWAYS));
    assertThat(store().head("to")).isEmpty();
  }

  @Test
  default void a_copy_of_nothing_is_not_found() throws Exception {
    assertFails(Kind.NOT_FOUND, () -> store().copy("no", null, "to", null, WriteCondition.ALWAYS));
    assertThat(store().head("to")).isEmpty();
  }

  @Test
  default void a_copy_checks_the_condition_on_its_target() throws Exception {
    assumeTrue(store().limits().conditionalWrites());
    source("from");
    ObjectInfo there = put("to", "there");
    assertFails(
        Kind.PRECONDITION_FAILED,
        () -> store().copy("from", null, "to", null, WriteCondition.IF_ABSENT));
    put("to", "changed");
    assertFails(
        Kind.PRECONDITION_FAILED,
        () ->
            store().copy("from", null, "to", null, new WriteCondition.IfVersion(there.version())));
    assertThat(text("to")).isEqualTo("changed");
    store().copy("from", null, "new", null, WriteCondition.IF_ABSENT);
    assertThat(text("new")).isEqualTo("source");
  }

  @Test
  default void an_empty_object_is_copied_too() throws Exception {
    put("from", "");
    store().copy("from", null, "to", null, WriteCondition.ALWAYS);
    assertThat(store().head("to").orElseThrow().sizeBytes()).isZero();
  }
}
