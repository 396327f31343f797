package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.backends.strict.StrictS3Options;
import io.tiermount.backends.strict.StrictS3Server;
import io.tiermount.daemon.Tiermount.Ended;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS B10, B11: the Debian package, installed by dpkg below a root of its own. The whole one
 * takes minutes to compress and is for scripts/soak; in its place one with a program that says what
 * it is told to say goes through the same scripts each time.
 */
final class PackageTest {
  private static final Path ROOT =
      Path.of(System.getProperty("tiermount.root", "..")).toAbsolutePath().normalize();

  @TempDir private Path directory = Path.of("");
  private Tiermount shell = new Tiermount(directory, Map.of());
  private Path root = Path.of("");

  @BeforeEach
  void prepare() throws Exception {
    shell = new Tiermount(directory, Map.of("JAVA_HOME", System.getProperty("java.home")));
    assumeTrue(LibC.getuid() == 0, "dpkg needs root");
    assumeTrue(shell.sh("command -v dpkg && command -v dpkg-deb").code() == 0, "no dpkg here");
    root = Files.createDirectory(directory.resolve("root"));
    Files.createDirectories(root.resolve("var/lib/dpkg/info"));
    Files.createDirectories(root.resolve("var/lib/dpkg/updates"));
    Files.createFile(root.resolve("var/lib/dpkg/status"));
  }

  @AfterEach
  void stop() throws Exception {
    shell.close();
  }

  private Ended dpkg(String arguments) throws Exception {
    // Scripts see DPKG_ROOT instead of a chroot, in which there would be no shell.
    return shell.sh(
        "timeout 55 dpkg --root='%s' --force-script-chrootless --force-depends --force-confold %s"
            .formatted(root, arguments));
  }

  private Ended build(Path dist, String options) throws Exception {
    return shell.sh(
        "timeout 580 bash '%s/scripts/package' --from '%s' --out '%s' %s"
            .formatted(ROOT, dist, directory, options));
  }

  /** A distribution with the scripts of the real one. */
  private Path dist() throws Exception {
    Path bin = Files.createDirectories(directory.resolve("dist/bin"));
    Path scripts = ROOT.resolve("daemon/src/main/dist/bin");
    assertThat(shell.sh("cp '%s'/* '%s'/".formatted(scripts, bin)).code()).isZero();
    return directory.resolve("dist");
  }

  @Test
  void b11_the_package_keeps_what_people_wrote_and_is_not_removed_over_unsent_data()
      throws Exception {
    Path dist = dist();
    Files.writeString(
        dist.resolve("bin/tiermount"),
        """
        #!/bin/sh
        case $1 in
          manual) mkdir -p "$2/man/man8" && echo page >"$2/man/man8/tiermount.8" ;;
          status) cat '%s' 2>/dev/null ;;
        esac
        """
            .formatted(directory.resolve("status.json")));
    assertThat(shell.sh("chmod 755 '" + dist + "'/bin/*").code()).isZero();
    Ended built = build(dist, "--fast --without-runtime");
    assertThat(built.code()).as(built.err()).isZero();
    String deb = "'" + built.out().strip() + "'";
    Ended installed = dpkg("-i " + deb);
    assertThat(installed.code()).as(installed.err()).isZero();
    assertThat(root.resolve("usr/lib/systemd/system/tiermount.service"))
        .content()
        .contains("ExecStart=/usr/bin/tiermount daemon");
    assertThat(root.resolve("usr/sbin/mount.tiermount")).isSymbolicLink();
    assertThat(root.resolve("usr/share/man/man8/tiermount.8.gz")).exists();

    Path config = root.resolve("etc/tiermount/mounts.conf");
    assertThat(Files.getAttribute(config, "unix:mode")).isEqualTo(0100600);
    Files.writeString(config, "# mine\n");
    Ended upgraded = dpkg("-i " + deb);
    assertThat(upgraded.code()).as(upgraded.err()).isZero();
    assertThat(upgraded.out()).contains("until systemctl restart tiermount");
    assertThat(config).content().isEqualTo("# mine\n");

    Files.writeString(directory.resolve("status.json"), "{\n  \"pending_changes\" : 2\n}\n");
    Ended refused = dpkg("-r tiermount");
    assertThat(refused.code()).isNotZero();
    assertThat(refused.err()).contains("2 changes have not reached their stores");
    assertThat(root.resolve("usr/lib/tiermount/bin/tiermount")).exists();
    Files.delete(directory.resolve("status.json"));
    Path staged = root.resolve("var/cache/tiermount/staging/0/7");
    Files.createDirectories(staged.getParent());
    Files.writeString(staged, "written and never sent");
    Files.createFile(root.resolve("var/cache/tiermount/daemon.lock"));
    assertThat(dpkg("-r tiermount").err()).contains("staging holds 1 files");
    Files.delete(staged);
    Ended removed = dpkg("-r tiermount");
    assertThat(removed.code()).as(removed.err()).isZero();
    assertThat(root.resolve("usr/lib/tiermount")).doesNotExist();
    assertThat(config).content().isEqualTo("# mine\n");
    assertThat(dpkg("-P tiermount").code()).isZero();
    assertThat(root.resolve("etc/tiermount")).doesNotExist();
    assertThat(root.resolve("var/cache/tiermount")).doesNotExist();
  }

  /** Prints the size of the package, and of the daemon at rest. */
  @Test
  @Tag("soak")
  @Timeout(value = 15, unit = TimeUnit.MINUTES)
  void b10_the_package_needs_no_java_of_the_node_to_mount_read_and_write() throws Exception {
    assumeTrue(shell.sh("unshare --mount true").code() == 0, "no mount namespaces here");
    Path dist = dist();
    Path lib = Files.createDirectories(dist.resolve("lib"));
    int number = 0;
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (!Files.exists(Path.of(entry))) {
        continue;
      }
      String into = "'%s/%d-".formatted(lib, number++);
      String name = Path.of(entry).getFileName().toString();
      Ended copied =
          name.endsWith(".jar")
              // The script finds natives by their jars' names.
              ? shell.sh("cp '%s' '%s/'".formatted(entry, lib))
              : shell.sh(
                  "'%s/bin/jar' --create --file %sclasses.jar' -C '%s' ."
                      .formatted(System.getProperty("java.home"), into, entry));
      assertThat(copied.code()).as(copied.err()).isZero();
    }
    Process building =
        shell.start(
            java.util.List.of(
                "bash",
                ROOT.resolve("scripts/package").toString(),
                "--from",
                dist.toString(),
                "--out",
                directory.toString()));
    String deb = building.inputReader().readLine();
    assertThat(building.waitFor()).isZero();
    Ended installed = dpkg("-i '" + deb + "'");
    assertThat(installed.code()).as(installed.err()).isZero();
    try (StrictS3Server server = StrictS3Server.start()) {
      server.createBucket("bucket");
      Ended ran = shell.sh(withoutJava(server));
      assertThat(ran.code()).as(ran.err() + ran.out()).isZero();
      assertThat(ran.out()).contains("read: hello", "module java.base", "VmRSS");
      System.out.printf("package %d bytes%n%s", Files.size(Path.of(deb)), ran.out());
    }
  }

  /** A script for a mount namespace in which no Java is to be found but the package's. */
  private String withoutJava(StrictS3Server server) {
    StrictS3Options keys = server.options();
    return """
    cat >'%1$s/run.sh' <<'SCRIPT'
    set -e
    [ ! -d /usr/lib/jvm ] || mount -t tmpfs none /usr/lib/jvm
    mkdir -p '%1$s/tools'
    for tool in sh readlink dirname grep cat sed awk ls env setsid sleep umount mountpoint head; do
      ln -sf "$(command -v $tool)" '%1$s/tools/'
    done
    export PATH='%1$s/tools'
    unset JAVA_HOME TIERMOUNT_JAVA
    if command -v java; then exit 9; fi
    tiermount='%2$s/usr/lib/tiermount/bin/tiermount'
    $tiermount version
    '%2$s/usr/lib/tiermount/java/bin/java' --list-modules | sed 's/^/module /'
    export AWS_ACCESS_KEY_ID='%3$s' AWS_SECRET_ACCESS_KEY='%4$s'
    $tiermount mount s3://bucket '%1$s/mnt' -o 'cache.dir=%1$s/cache,endpoint=%5$s,region=us-east-1'
    echo hello >'%1$s/mnt/file'
    echo "read: $(cat '%1$s/mnt/file')"
    pid=$($tiermount status --json | sed -n 's/.*"pid" : \\([0-9]*\\).*/\\1/p' | head -n 1)
    grep -E 'VmRSS|RssAnon' /proc/$pid/status
    ls -l /proc/$pid/exe
    grep -o '[^ ]*/native/[^ ]*' /proc/$pid/maps | head -n 1
    $tiermount umount '%1$s/mnt'
    SCRIPT
    timeout 58 unshare --mount sh '%1$s/run.sh'
    """
        .formatted(directory, root, keys.accessKey(), keys.secretKey(), server.endpoint());
  }
}
