package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.strict.Fault;
import io.tiermount.backends.strict.StrictS3Options;
import io.tiermount.backends.strict.StrictS3Server;
import io.tiermount.daemon.Tiermount.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS B2 to B6 with mount(8) and umount(8) themselves, in a mount namespace of its own where
 * /sbin is ours.
 */
final class FstabTest {
  @TempDir private Path directory = Path.of("");
  private Tiermount tiermount = new Tiermount(directory, Map.of());
  private String enter = "";

  @BeforeEach
  void prepare() throws Exception {
    assumeTrue(LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")), "mounts need root");
    tiermount =
        new Tiermount(
            directory, Map.of("TIERMOUNT_CONFIG_DIR", directory.resolve("etc").toString()));
    assumeTrue(
        tiermount.sh("unshare --mount true && command -v nsenter").code() == 0,
        "no mount namespaces here");
    Files.createDirectories(directory.resolve("etc"));
    Files.createDirectories(directory.resolve("bucket"));
    Files.writeString(directory.resolve("bucket/hello"), "world");
    Path sbin = Files.createDirectories(directory.resolve("sbin"));
    helper(sbin.resolve("mount.tiermount"), "mount-helper");
    helper(sbin.resolve("umount.fuse.tiermount"), "umount-helper");
    Process holder =
        tiermount.start(
            List.of(
                "unshare",
                "--mount",
                "--propagation",
                "slave",
                "sh",
                "-c",
                """
                set -e
                # Others' mounts would not end while this namespace holds a copy of them.
                awk '$3 ~ /^fuse/ { print $2 }' /proc/self/mounts | xargs -r -n 1 umount -i -l
                mount --bind '%s' "$(readlink -f /sbin)"
                # As on a machine without systemd.
                [ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd
                echo ready
                exec sleep 600
                """
                    .formatted(sbin)));
    assertThat(holder.inputReader().readLine()).isEqualTo("ready");
    enter = "nsenter --mount --target " + holder.pid() + " timeout -k 5 55 ";
  }

  private static void helper(Path file, String command) throws Exception {
    Files.writeString(
        file,
        """
        #!/bin/sh
        exec '%s' -XX:TieredStopAtLevel=1 -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \
        --sun-misc-unsafe-memory-access=allow -cp '%s' io.tiermount.daemon.Main %s "$@"
        """
            .formatted(
                Path.of(System.getProperty("java.home"), "bin", "java"),
                System.getProperty("java.class.path"),
                command));
    Files.setAttribute(file, "unix:mode", 0755);
  }

  @AfterEach
  void stop() throws Exception {
    tiermount.close();
  }

  private Path at(String name) {
    return directory.resolve("mnt/" + name);
  }

  private void etc(String credentials) throws Exception {
    Files.writeString(
        directory.resolve("etc/mounts.conf"),
        "storage.cache.default_base_dir = \"%s\"\n%s\n"
            .formatted(directory.resolve("cache"), credentials));
  }

  /** Writes a fstab and mounts all of it. */
  private Ended mountAll(String... lines) throws Exception {
    Path fstab = directory.resolve("fstab");
    Files.writeString(fstab, String.join("\n", lines) + "\n");
    for (String line : lines) {
      Files.createDirectories(Path.of(line.split(" ", -1)[1]));
    }
    return tiermount.sh(enter + "mount -a -T '" + fstab + "'");
  }

  private Ended inside(String line) throws Exception {
    return tiermount.sh(enter + "sh -c '" + line.replace("'", "'\\''") + "'");
  }

  private long mounts() throws Exception {
    return inside("cat /proc/self/mounts")
        .out()
        .lines()
        .filter(line -> line.contains(" " + directory) && line.contains(" fuse.tiermount "))
        .count();
  }

  @Test
  void b2_b5_mount_a_mounts_what_fstab_says_once_and_umount_drains_and_ends_it() throws Exception {
    etc("");
    String bucket = "file://" + directory.resolve("bucket") + "?as=bucket";
    String[] lines = {
      bucket
          + " "
          + at("rw")
          + " tiermount defaults,_netdev,nofail,x-systemd.automount,write.durability=local,write.max_dirty_age=600s 0 0",
      bucket + " " + at("ro") + " tiermount ro,noexec,_netdev 0 0"
    };
    Ended mounted = mountAll(lines);
    assertThat(mounted.code()).as(mounted.err()).isZero();
    assertThat(inside("cat %s/hello %s/hello".formatted(at("rw"), at("ro"))).out())
        .isEqualTo("worldworld");
    assertThat(mounts()).isEqualTo(2);
    assertThat(inside("grep ' " + at("ro") + " ' /proc/self/mounts").out())
        .contains("ro,", "noexec", "nosuid", "nodev");
    Ended again = mountAll(lines);
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(mounts()).isEqualTo(2);
    JsonNode daemon = tiermount.daemon();
    assertThat(daemon.path("mounts")).hasSize(2);
    assertThat(daemon.path("cache").path("directory").asText())
        .as("B3: the node's own")
        .isEqualTo(directory.resolve("cache").toString());

    assertThat(inside("echo late > %s/late".formatted(at("rw"))).code()).isZero();
    Ended unmounted = tiermount.sh(enter + "umount '" + at("rw") + "'");
    assertThat(unmounted.code()).as(unmounted.err()).isZero();
    assertThat(directory.resolve("bucket/late")).as("drained").hasContent("late\n");
    // Without asking us: then the daemon finds it out.
    assertThat(tiermount.sh(enter + "umount -i '" + at("ro") + "'").code()).isZero();
    tiermount.awaitNoDaemon();
    assertThat(mounts()).isZero();
  }

  @Test
  void b2_what_is_wrong_in_a_line_is_said_with_the_exit_codes_of_mount() throws Exception {
    etc("");
    String bucket = "file://" + directory.resolve("bucket") + "?as=bucket";
    Files.createDirectories(at("x"));
    Ended unknown =
        inside("mount -t tiermount '%s' %s -o sync,endpiont=x".formatted(bucket, at("x")));
    assertThat(unknown.code()).as(unknown.err()).isEqualTo(1);
    assertThat(unknown.err()).contains("mount.tiermount: ", "-o sync", "write.durability=remote");
    Ended failed = inside("mount -t tiermount nfs://host/export %s".formatted(at("x")));
    assertThat(failed.code()).as(failed.err()).isEqualTo(32);
    assertThat(failed.err()).contains("nfs://host/export");
    Ended fake = inside("mount -f -t tiermount '%s' %s".formatted(bucket, at("x")));
    assertThat(fake.code()).as(fake.err()).isZero();
    assertThat(mounts()).isZero();
    assertThat(tiermount.run("status").code()).isEqualTo(3);
  }

  @Test
  void b4_several_that_come_at_once_start_one_daemon_and_share_it() throws Exception {
    etc("");
    String bucket = "file://" + directory.resolve("bucket") + "?as=bucket";
    StringBuilder all = new StringBuilder("set -e; pids=");
    for (int i = 0; i < 3; i++) {
      Files.createDirectories(at("m" + i));
      all.append("; mount -t tiermount '%s' %s & pids=\"$pids $!\"".formatted(bucket, at("m" + i)));
    }
    Ended mounted = inside(all.append("; for p in $pids; do wait $p; done").toString());
    assertThat(mounted.code()).as(mounted.err()).isZero();
    assertThat(tiermount.daemon().path("mounts")).hasSize(3);
    assertThat(inside("cat %s/hello".formatted(at("m2"))).out()).isEqualTo("world");
  }

  @Test
  void b6_with_its_store_down_a_line_mounts_all_the_same_and_works_when_it_is_back()
      throws Exception {
    try (StrictS3Server server = StrictS3Server.start()) {
      server.createBucket("bucket");
      StrictS3Options keys = server.options();
      etc(
          "credentials.store { type = s3, access_key = \"%s\", secret_key = \"%s\" }"
              .formatted(keys.accessKey(), keys.secretKey()));
      server.faults().seeded(1, 1.0, List.of(new Fault.Reset()));
      Ended mounted =
          mountAll(
              "s3://%s/bucket %s tiermount _netdev,nofail,credentials=store 0 0"
                  .formatted(server.endpoint().getAuthority(), at("s3")));
      assertThat(mounted.code()).as(mounted.err()).isZero();
      assertThat(server.requests()).as("mounting asks no store").isEmpty();
      assertThat(inside("cat %s/file".formatted(at("s3"))).err()).contains("Input/output error");
      assertThat(tiermount.mount().path("state").asText()).isEqualTo("degraded");
      server.faults().clear();
      Ended written =
          inside(
              "until echo back > %s/file; do :; done; cat %s/file".formatted(at("s3"), at("s3")));
      assertThat(written.out()).as(written.err()).isEqualTo("back\n");
      assertThat(tiermount.mount().path("state").asText()).isEqualTo("ready");
    }
  }
}
