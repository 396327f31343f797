package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.ScopedNode.Ended;
import io.tiermount.daemon.ScopedNode.User;
import io.tiermount.daemon.admin.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * SEMANTICS S9: nobody gets into a mount whom its lists keep out. Each technique of {@code
 * crossings.py}, from each caller who may not, on each mount; and from the one who may, so that a
 * technique that fails for another reason is noticed.
 */
final class CrossingsTest {
  private static final User ALICE = User.of(2001);
  private static final User BOB = User.of(2002);

  /** In the groups that she is in, none of them in a list. */
  private static final User KIN = new User(2009, 2001, List.of(2001, 4, 27, 3999));

  private static final User NOBODY = User.of(65534);

  /** Has the number that the store knows her by. */
  private static final User STORED = new User(500, 600, List.of(500));

  private static final String MOUNTS =
      """
      common { path = DIR/common, scope = shared, source = "file://DIR/buckets/common?as=bucket" }
      alone { path = DIR/alone, scope = shared, source = "file://DIR/buckets/alone?as=bucket"
              consistency.attr_ttl = 10m, permissions { allow = [2001] } }
      team { path = DIR/team, scope = cluster, source = "file://DIR/buckets/team?as=bucket"
             consistency.attr_ttl = 10m, permissions { allow = [2001, "@3000"] } }
      mapped { path = DIR/mapped, scope = user, source = "file://DIR/buckets/mapped?as=bucket"
               consistency.attr_ttl = 10m
               permissions { allow = [2001, 2003], uid_map { 500 = 2001 }, gid_map { 600 = 2001 } } }
      denied { path = DIR/denied, scope = shared, source = "file://DIR/buckets/denied?as=bucket"
               consistency.attr_ttl = 10m, permissions { deny = [2002, 65534, "@3001"] } }
      """;

  private static final Map<String, List<User>> KEPT_OUT =
      new TreeMap<>(
          Map.of(
              "alone", List.of(BOB, KIN, NOBODY, STORED),
              "team", List.of(BOB, KIN, NOBODY, STORED),
              "mapped", List.of(BOB, KIN, NOBODY, STORED),
              "denied",
                  List.of(BOB, NOBODY, User.of(2005, 7, 3001), new User(2006, 3001, List.of()))));

  /** What becomes of a technique in the hands of the one who may enter. */
  private enum Allowed {
    SUCCEEDS,
    /** Not even for her: between mounts, or root's alone. */
    FAILS,
    /** Depends on the kernel, its settings, or what else the mount can do. */
    DEPENDS
  }

  private static final Map<Allowed, List<String>> TECHNIQUES =
      Map.of(
          Allowed.SUCCEEDS,
          words(
              """
              read read_inner read_cached write append open_path truncate stat lstat_link stat_inner
              access list list_inner readlink chdir execute create create_inner mkdir mkfifo
              symlink_into unlink rmdir rename_within chmod chown utime
              dotdot_inside dotdot_from_common symlink_from_common symlink_dir_from_common
              symlink_from_tmp symlink_list
              proc_fd proc_fd_path proc_fd_dir proc_cwd proc_root proc_task_fd
              passed_root passed_root_list passed_path_reopened passed_read_reopened
              passed_read_reopened_to_write passed_cached_reopened passed_cached_truncated
              passed_cached_allocated passed_chmod passed_chown passed_utime passed_dir_read
              passed_dir_create passed_dir_mkdir passed_dir_symlink passed_dir_unlink
              passed_dir_rename passed_dir_reopened passed_dir_up passed_dir_entered
              setuid fsuid set_id_binary set_gid_binary set_id_binary_inside their_socket
              """),
          Allowed.FAILS,
          words(
              """
              rename_out rename_in link_out link_in chmod_root open_by_handle
              passed_mapped_to_write setgroups setgid cache_list cache_data cache_staging cache_state
              bucket admin_socket daemon_fd daemon_mem unmount mount_over
              """),
          Allowed.DEPENDS,
          words(
              """
              link_within getxattr listxattr setxattr removexattr set_acl proc_map_files proc_mem
              pidfd_getfd ptrace vm_read handle_of passed_setxattr passed_linked
              user_namespace user_namespace_as_owner user_namespace_stored_owner user_namespace_list
              mount_namespace_bind mount_namespace_overlay user_namespace_handle
              user_namespace_passed
              """));

  private static final Set<String> REFUSED = Set.of("EACCES", "EPERM");

  /** Further errors that are a refusal, by the beginning of a technique's name. */
  private static final Map<String, Set<String>> ALSO_REFUSED =
      Map.of(
          "rename_", Set.of("EXDEV"),
          "link_", Set.of("EXDEV"),
          "passed_setxattr", Set.of("EOPNOTSUPP", "ENOTSUP"),
          "passed_linked", Set.of("EXDEV"),
          // A kernel or container without them.
          "user_namespace", Set.of("ENOSPC", "ENOSYS", "EINVAL", "ESTALE"),
          "mount_namespace", Set.of("ENOSPC", "ENOSYS", "EINVAL", "ENODEV"));

  private static final int MIN_ATTEMPTS = 300;

  private final Json json = new Json();

  private static List<String> words(String text) {
    return List.of(text.strip().split("\\s+", -1));
  }

  @Test
  void s9_no_technique_gets_anybody_in_who_may_not() throws Exception {
    assumeTrue(LibC.getuid() == 0, "mounts need root");
    for (String tool : List.of("/usr/bin/setpriv", "/usr/bin/python3")) {
      assumeTrue(Files.isExecutable(Path.of(tool)), tool + " is missing");
    }
    try (ScopedNode node = new ScopedNode(MOUNTS)) {
      Path script = node.path("crossings.py");
      try (InputStream in = CrossingsTest.class.getResourceAsStream("crossings.py")) {
        Files.copy(Objects.requireNonNull(in), script);
      }
      assumeTrue(
          node.run(ALICE, "/usr/bin/python3", "-c", "import ctypes").code() == 0,
          "python3 is missing");
      succeed(
          node,
          "umask 0; mkdir common/set-id; cd common/set-id; cp /bin/cat cat"
              + " && cp /bin/cat gcat && chmod 4755 cat && chmod 2755 gcat");
      Files.setPosixFilePermissions(
          Files.createDirectory(node.path("hold")), PosixFilePermissions.fromString("rwxrwxrwx"));
      int attempts = 0;
      for (Map.Entry<String, List<User>> mount : KEPT_OUT.entrySet()) {
        attempts += attack(node, mount.getKey(), mount.getValue());
      }
      System.out.println("CrossingsTest: " + attempts + " attempts to cross scopes");
      assertThat(attempts).isGreaterThanOrEqualTo(MIN_ATTEMPTS);
    }
  }

  private static String succeed(ScopedNode node, String line) throws Exception {
    Ended ended = node.sh(ALICE, line);
    assertThat(ended.code()).as("%s: %s", line, ended.err()).isZero();
    return ended.out();
  }

  /** All callers on one mount, then its owner; the attempts of those who may not. */
  private int attack(ScopedNode node, String mount, List<User> callers) throws Exception {
    succeed(
        node,
        "umask 0; cd "
            + mount
            + " && printf 'the secret of this scope' > secret && echo x > victim"
            + " && yes secret | head -c 1048576 > big && ln -s secret link"
            + " && printf '#!/bin/sh\\n' > script && chmod 777 script"
            + " && cp /bin/cat cat && chmod 4777 cat && mkdir open open/removed && cd open"
            + " && printf 'the secret of this scope' > inner"
            + " && touch unlinked unlinked2 renamed renamed2");
    Path socket = node.path("hold").resolve(mount);
    Process holder = holder(node, mount, socket);
    try {
      String before = warmed(node, mount);
      int attempts = 0;
      for (User caller : callers) {
        assertThat(warmed(node, mount)).isEqualTo(before);
        Map<String, JsonNode> results = attempt(node, mount, caller, socket);
        List<String> crossings = new ArrayList<>();
        results.forEach((technique, result) -> {
          if (!isRefusal(technique, result)) {
            crossings.add(result.toString());
          }
        });
        assertThat(crossings).as("%s on %s", caller, mount).isEmpty();
        attempts += results.size();
      }
      assertThat(warmed(node, mount)).as("nothing was changed").isEqualTo(before);
      control(attempt(node, mount, ALICE, socket), mount);
      return attempts;
    } finally {
      holder.destroyForcibly();
      holder.waitFor();
    }
  }

  /** A process of the one who may, that has files open; it is there when its socket is. */
  @SuppressWarnings("BusyWait") // There is nothing to be notified by.
  private static Process holder(ScopedNode node, String mount, Path socket) throws Exception {
    for (int tries = 1; ; tries++) {
      Process holder = started(node, mount, socket);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (holder.isAlive() && System.nanoTime() < end) {
        if (Files.exists(socket)) {
          return holder;
        }
        Thread.sleep(5);
      }
      holder.destroyForcibly();
      holder.waitFor();
      // What it does is no part of what is tested: a machine that is slow or odd may try again.
      assertThat(tries).as("the one who holds files on %s did not come up", mount).isLessThan(3);
    }
  }

  private static Process started(ScopedNode node, String mount, Path socket) throws IOException {
    return node.start(
        ALICE,
        "/usr/bin/python3",
        node.path("crossings.py").toString(),
        "hold",
        node.path(mount).toString(),
        socket.toString());
  }

  /** The one who may looks at everything; what she saw. */
  private static String warmed(ScopedNode node, String mount) throws Exception {
    return succeed(
        node,
        "cd "
            + mount
            + " && find . ! -name socket -printf '%p %m %U %s\\n' | sort && cat secret link"
            + " open/inner && cksum big && readlink link");
  }

  private Map<String, JsonNode> attempt(ScopedNode node, String mount, User caller, Path socket)
      throws IOException, InterruptedException {
    Ended ended =
        node.run(
            caller,
            "env",
            "DAEMON=" + ProcessHandle.current().pid(),
            "/usr/bin/python3",
            node.path("crossings.py").toString(),
            "try",
            node.path(mount).toString(),
            node.path("common").toString(),
            socket.toString(),
            node.path("").toString().replaceFirst("/$", ""));
    assertThat(ended.code()).as("%s: %s", caller, ended.err()).isZero();
    Map<String, JsonNode> results = new TreeMap<>();
    for (String line : ended.out().lines().toList()) {
      JsonNode result = json.parse(line);
      results.put(result.get(0).asText(), result);
    }
    List<String> all = TECHNIQUES.values().stream().flatMap(List::stream).toList();
    assertThat(results.keySet()).containsExactlyInAnyOrderElementsOf(all);
    return results;
  }

  private static boolean isRefusal(String technique, JsonNode result) {
    String error = result.get(2).asText();
    return result.get(1).asText().equals("refused")
        && (REFUSED.contains(error)
            || ALSO_REFUSED.entrySet().stream()
                .anyMatch(also ->
                    technique.startsWith(also.getKey()) && also.getValue().contains(error)));
  }

  private static void control(Map<String, JsonNode> results, String mount) {
    TECHNIQUES.forEach((allowed, techniques) ->
        techniques.forEach(technique -> {
          String result = Objects.requireNonNull(results.get(technique)).get(1).asText();
          switch (allowed) {
            case SUCCEEDS ->
                assertThat(result)
                    .as("the one who may, on %s: %s", mount, results.get(technique))
                    .isEqualTo("succeeded");
            case FAILS ->
                assertThat(result)
                    .as("the one who may, on %s: %s", mount, results.get(technique))
                    .isEqualTo("refused");
            case DEPENDS -> assertThat(result).isNotEqualTo("broken");
          }
        }));
  }
}
