package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.backends.strict.Fault;
import io.tiermount.backends.strict.StrictS3Options;
import io.tiermount.backends.strict.StrictS3Server;
import io.tiermount.daemon.Tiermount.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS B1, B2, B6, B7, L7 with a real systemd that this test boots: pid 1 of namespaces of its
 * own, with our unit as it is and nothing of this machine's. For scripts/soak, since not every
 * machine lets it come up; ServiceTest has the stand-in that always runs.
 */
@Tag("soak")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
final class SystemdBootTest {
  private static final Path UNITS = Path.of(System.getProperty("tiermount.root", ".."), "systemd");
  private static final List<String> TARGETS =
      List.of(
          "sysinit",
          "basic",
          "local-fs",
          "local-fs-pre",
          "remote-fs-pre",
          "remote-fs",
          "network",
          "network-online",
          "nss-user-lookup",
          "multi-user",
          "shutdown",
          "umount",
          "final",
          "swap",
          "sockets",
          "timers",
          "paths",
          "slices");

  @TempDir private Path directory = Path.of("");
  private Tiermount tiermount = new Tiermount(directory, Map.of());
  private String group = "";
  private String enter = "";

  @BeforeEach
  void prepare() throws Exception {
    tiermount = new Tiermount(directory, Map.of());
    assumeTrue(LibC.getuid() == 0 && Files.exists(Path.of("/dev/fuse")), "mounts need root");
    assumeTrue(Files.isExecutable(Path.of("/usr/lib/systemd/systemd")), "no systemd here");
    Path unified = Path.of("/sys/fs/cgroup/unified/cgroup.procs");
    Path groups = Path.of(Files.exists(unified) ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup");
    group = groups.resolve("tiermount-test-" + ProcessHandle.current().pid()).toString();
    assumeTrue(tiermount.sh("mkdir '" + group + "'").code() == 0, "no cgroup can be made here");
  }

  @AfterEach
  void stop() throws Exception {
    if (!group.isEmpty()) {
      // The end of pid 1 is that of all of its namespace.
      tiermount.sh(
          """
          for p in $(cat '%1$s'/init.scope/cgroup.procs '%1$s'/cgroup.procs 2>/dev/null); do kill -9 $p; done
          for i in 1 2 3 4 5 6 7 8 9; do
            find '%1$s' -depth -type d -exec rmdir {} + 2>/dev/null; [ -d '%1$s' ] || break; sleep 1
          done
          """
              .formatted(group));
    }
    tiermount.close();
  }

  /** Whether a shell line inside comes to succeed. */
  private boolean comes(String line, int seconds) throws Exception {
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (System.nanoTime() < endNanos) {
      if (inside(line).code() == 0) {
        return true;
      }
      Thread.onSpinWait();
    }
    return false;
  }

  private Ended inside(String line) throws Exception {
    return tiermount.sh(enter + " timeout 50 sh -c '" + line.replace("'", "'\\''") + "'");
  }

  private void layOut(String source, String keys) throws Exception {
    Path units = Files.createDirectories(directory.resolve("units"));
    for (String target : TARGETS) {
      Ended copied =
          tiermount.sh("cp /usr/lib/systemd/system/%s.target '%s/'".formatted(target, units));
      assumeTrue(copied.code() == 0, copied.err());
    }
    Path program = directory.resolve("tiermount");
    Files.writeString(
        program,
        """
        #!/bin/sh
        exec '%s' -XX:TieredStopAtLevel=1 -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \
        --sun-misc-unsafe-memory-access=allow -cp '%s' io.tiermount.daemon.Main "$@"
        """
            .formatted(
                Path.of(System.getProperty("java.home"), "bin", "java"),
                System.getProperty("java.class.path")));
    Files.createDirectories(directory.resolve("sbin"));
    for (String helper : List.of("mount.tiermount mount", "umount.fuse.tiermount umount")) {
      String[] words = helper.split(" ", -1);
      Files.writeString(
          directory.resolve("sbin/" + words[0]),
          "#!/bin/sh\nexec '%s' %s-helper \"$@\"\n".formatted(program, words[1]));
    }
    assertThat(tiermount.sh("chmod 755 '%1$s/tiermount' '%1$s'/sbin/*".formatted(directory)).code())
        .isZero();
    String unit =
        Files.readString(UNITS.resolve("tiermount.service"))
            .replace("/usr/bin/tiermount", program.toString())
            .replaceAll("(?m)^ConditionPathExistsGlob=.*$", "");
    Files.writeString(units.resolve("tiermount.service"), unit);
    Files.createDirectories(units.resolve("tiermount.service.d"));
    Files.writeString(
        units.resolve("tiermount.service.d/test.conf"),
        """
        [Service]
        Environment=TIERMOUNT_CONFIG_DIR=%1$s/etc TIERMOUNT_RUN_DIR=%1$s/run
        StandardOutput=append:%1$s/service.log
        StandardError=append:%1$s/service.log
        """
            .formatted(directory));
    Path wants = Files.createDirectories(units.resolve("multi-user.target.wants"));
    Files.createSymbolicLink(wants.resolve("tiermount.service"), Path.of("../tiermount.service"));
    Files.createSymbolicLink(wants.resolve("remote-fs.target"), Path.of("../remote-fs.target"));
    Files.createSymbolicLink(units.resolve("default.target"), Path.of("multi-user.target"));
    Files.createDirectories(directory.resolve("generators"));
    Files.createDirectories(directory.resolve("fstab"));
    Path etc = Files.createDirectories(directory.resolve("etc"));
    Files.writeString(
        etc.resolve("mounts.conf"),
        """
        storage.cache.default_base_dir = "%1$s/cache"
        credentials.store { type = s3, %3$s }
        mounts.boot {
          path = "%1$s/boot", scope = shared, prefix = "", source = "%2$s", credentials = store
        }
        """
            .formatted(directory, source, keys));
  }

  private void boot() throws Exception {
    Files.writeString(
        directory.resolve("boot.sh"),
        """
        set -e
        mount --make-rprivate /
        awk '$3 ~ /^fuse/ { print $2 }' /proc/self/mounts | xargs -r -n 1 umount -i -l
        mount -t tmpfs tmpfs /run
        mkdir -p /run/systemd /run/lock
        umount -R /sys/fs/cgroup || true
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        mount --bind '%1$s/sbin' "$(readlink -f /sbin)"
        exec env -i container=tiermount PATH=/usr/bin:/bin SYSTEMD_UNIT_PATH='%1$s/units' \
          SYSTEMD_GENERATOR_PATH='%1$s/generators' \
          /usr/lib/systemd/systemd --system --log-target=console --show-status=0
        """
            .formatted(directory));
    Process systemd =
        tiermount.start(
            List.of(
                "sh",
                "-c",
                "echo $$ > '%1$s/cgroup.procs'; exec unshare --mount --pid --fork --cgroup --uts --ipc --mount-proc sh '%2$s/boot.sh'"
                    .formatted(group, directory)));
    Path first = Path.of(group, "init.scope/cgroup.procs");
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    String pid = "";
    while (pid.isEmpty() && systemd.isAlive() && System.nanoTime() < endNanos) {
      pid = Files.exists(first) ? Files.readString(first).lines().findFirst().orElse("") : "";
    }
    assumeTrue(!pid.isEmpty(), "systemd does not come up here");
    enter = "nsenter --mount --pid --cgroup --target " + pid;
    assumeTrue(comes("systemctl is-active --quiet basic.target", 60), "systemd boots nothing here");
  }

  @Test
  void b1_b6_b7_a_booted_systemd_mounts_all_with_stores_down_and_starts_a_killed_daemon_again()
      throws Exception {
    try (StrictS3Server server = StrictS3Server.start()) {
      server.createBucket("bucket");
      server.faults().seeded(1, 1.0, List.of(new Fault.Reset()));
      StrictS3Options keys = server.options();
      layOut(
          "s3://" + server.endpoint().getAuthority() + "/bucket",
          "access_key = \"%s\", secret_key = \"%s\"".formatted(keys.accessKey(), keys.secretKey()));
      boot();
      String boot = directory.resolve("boot").toString();
      assertThat(comes("systemctl is-active --quiet remote-fs.target tiermount.service", 60))
          .as(Files.readString(directory.resolve("service.log")))
          .isTrue();
      assertThat(inside("mountpoint " + boot).code()).as("seen by everybody").isZero();
      assertThat(inside("systemctl show -P StatusText tiermount").out()).contains("mounts ready");
      server.faults().clear();
      assertThat(comes("echo up >%1$s/file && cat %1$s/file".formatted(boot), 60)).isTrue();

      Path line = directory.resolve("line");
      Files.createDirectories(line);
      Files.writeString(
          directory.resolve("fstab/fstab"),
          "s3://%s/bucket %s tiermount _netdev,nofail,ro,credentials=store 0 0\n"
              .formatted(server.endpoint().getAuthority(), line));
      Ended all =
          inside(
              "export TIERMOUNT_CONFIG_DIR=%1$s/etc TIERMOUNT_RUN_DIR=%1$s/run; mount -a -T %1$s/fstab/fstab && cat %1$s/line/file"
                  .formatted(directory));
      assertThat(all.out()).as(all.err()).isEqualTo("up\n");

      Ended over = inside("exec 3<%s/file; systemctl restart tiermount && cat <&3".formatted(boot));
      assertThat(over.out()).as("a descriptor over a restart: %s", over.err()).isEqualTo("up\n");
      assertThat(inside("echo more >%1$s/more && cat %1$s/more".formatted(boot)).code()).isZero();
      String before = inside("systemctl show -P MainPID tiermount").out();
      assertThat(inside("systemctl kill --signal=KILL --kill-who=main tiermount").code()).isZero();
      assertThat(
              comes(
                  "[ \"$(systemctl show -P MainPID tiermount)\" != %s ] && systemctl is-active --quiet tiermount && cat %s/file"
                      .formatted(before.strip(), boot),
                  60))
          .as(Files.readString(directory.resolve("service.log")))
          .isTrue();
      assertThat(inside("systemctl stop tiermount").code()).isZero();
      assertThat(inside("mountpoint " + boot).code()).as("a real stop unmounts").isNotZero();
    }
  }
}
