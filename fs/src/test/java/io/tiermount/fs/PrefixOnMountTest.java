package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.PrefixedStore;
import io.tiermount.fs.MountFixture.Options;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS R31, seen by the store below; {@code PrefixedStoreTest} shows what it refuses. */
class PrefixOnMountTest {
  private static final String PREFIX = "org/users/ann/";

  @TempDir Path dir;
  private final Bucket bucket = new Bucket();

  @Test
  void r31_whatever_programs_try_no_request_leaves_the_prefix() throws Exception {
    bucket.put(PREFIX + "d/f", "mine").put(PREFIX + "top", "top").put(PREFIX, "");
    // Neighbours, parents, and keys that a path of dots would lead to.
    bucket.put("secret", "theirs").put("org/secret", "theirs").put("org/users/bob/f", "theirs");
    bucket.put("org/users/ann", "theirs").put("org/users/ann0", "theirs").put("d/f", "theirs");
    bucket.put(PREFIX + "../bob", "dots").put(PREFIX + "d//f", "empty");
    PrefixedStore store = new PrefixedStore(bucket.store(), PREFIX);
    try (MountFixture mount = new MountFixture(dir, store, Options.USUAL)) {
      // ls fails for the key that begins with dots: it has a name, but no request is made for it.
      assertThat(mount.sh("ls -laR . ; cat d/f top").text()).endsWith("minetop");
      for (String path :
          List.of(
              "secret",
              "%tm.dotdot/secret",
              "%tm.dotdot/bob/f",
              "%tm.dotdot/%tm.dotdot/secret",
              "d/%tm.dotdot/%tm.dotdot/bob/f",
              "%tm.empty/secret",
              "%tm.empty/org/secret",
              "%tm.self",
              "%tm.object",
              "d/%tm.dot/f",
              "ann",
              "org/users/bob/f")) {
        assertThat(
                mount.sh("cat '" + path + "'; ls -la '" + path + "'; stat '" + path + "'").text())
            .as(path)
            .doesNotContain("theirs");
      }
      assertThat(mount.sh("find . -type f -exec cat {} +").text()).doesNotContain("theirs");
    }
    List<String> calls = bucket.calls().drain();
    assertThat(calls).isNotEmpty().allMatch(call -> call.split(" ", -1)[1].startsWith(PREFIX));
    assertThat(calls)
        .as("also where a gateway resolves dots")
        .allMatch(call -> Path.of(call.split(" ", -1)[1]).normalize().startsWith("org/users/ann"));
  }
}
