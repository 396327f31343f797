package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tiermount.backends.os.LibC;
import io.tiermount.daemon.Tiermount.Ended;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SEMANTICS B8, B9: scripts/install, uninstall and prepare-nvme below a root of their own, with a
 * program that says what it is told to say.
 */
final class InstallTest {
  private static final Path SCRIPTS =
      Path.of(System.getProperty("tiermount.root", "..")).toAbsolutePath().resolve("scripts");

  @TempDir private Path directory = Path.of("");
  private Tiermount shell = new Tiermount(directory, Map.of());
  private Path root = Path.of("");

  @BeforeEach
  void prepare() throws Exception {
    assumeTrue(
        new Tiermount(directory, Map.of()).sh("command -v bash").code() == 0, "no bash here");
    shell = new Tiermount(directory, Map.of());
    root = Files.createDirectory(directory.resolve("root"));
    Path bin = Files.createDirectories(directory.resolve("dist/bin"));
    for (String name : new String[] {"mount.tiermount", "umount.fuse.tiermount"}) {
      Files.writeString(bin.resolve(name), "#!/bin/sh\n");
    }
    Files.writeString(
        bin.resolve("tiermount"),
        """
        #!/bin/sh
        case $1 in
          manual) mkdir -p "$2/man/man8" && echo page >"$2/man/man8/tiermount.8" ;;
          status) cat '%s' 2>/dev/null ;;
          check-config) printf '{\\n  "cache_directories" : [ "/cache/a", "/cache/b" ]\\n}\\n' ;;
        esac
        """
            .formatted(directory.resolve("status.json")));
    Files.copy(
        SCRIPTS.resolveSibling("daemon/src/main/dist/bin/tiermount-stop"),
        bin.resolve("tiermount-stop"));
    assertThat(shell.sh("chmod 755 '" + bin + "'/*").code()).isZero();
  }

  @AfterEach
  void stop() throws Exception {
    shell.close();
  }

  private Ended script(String name, String arguments) throws Exception {
    return shell.sh("bash '%s' --root '%s' %s".formatted(SCRIPTS.resolve(name), root, arguments));
  }

  private void install() throws Exception {
    Ended installed = script("install", "--from '" + directory.resolve("dist") + "'");
    assertThat(installed.code()).as(installed.err()).isZero();
  }

  private void file(String name, String text) throws Exception {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  @Test
  void b8_install_lays_everything_out_and_a_second_one_keeps_what_people_wrote() throws Exception {
    install();
    assertThat(root.resolve("sbin/mount.tiermount")).isSymbolicLink();
    assertThat(Files.readSymbolicLink(root.resolve("usr/local/bin/tiermount")))
        .hasToString("/usr/local/lib/tiermount/bin/tiermount");
    assertThat(root.resolve("etc/systemd/system/tiermount.service"))
        .content()
        .contains("ExecStart=/usr/local/bin/tiermount daemon");
    assertThat(root.resolve("usr/local/share/man/man8/tiermount.8")).exists();
    assertThat(Files.getAttribute(root.resolve("etc/tiermount/mounts.conf"), "unix:mode"))
        .isEqualTo(0100600);
    Path written = root.resolve("etc/tiermount/mounts.conf");
    Ended checked =
        shell.run("check-config", written.toString()); // of a node that is not configured yet
    assertThat(checked.code()).as(checked.err()).isZero();
    Files.writeString(written, "# mine\n");
    Files.writeString(directory.resolve("dist/bin/new"), "new");
    install();
    assertThat(written).content().isEqualTo("# mine\n");
    assertThat(root.resolve("usr/local/lib/tiermount/bin/new")).exists();
    assertThat(root.resolve("usr/local/lib/tiermount/tiermount")).doesNotExist();
  }

  @Test
  void b8_uninstall_keeps_data_unless_told_to_purge() throws Exception {
    install();
    file("cache/a/daemon.lock", "1");
    file("cache/b/other", "not a cache");
    Ended removed = script("uninstall", "");
    assertThat(removed.code()).as(removed.err()).isZero();
    assertThat(removed.out()).contains("/cache/a", "/cache/b");
    assertThat(root.resolve("usr/local/lib/tiermount")).doesNotExist();
    assertThat(root.resolve("sbin/mount.tiermount")).doesNotExist();
    assertThat(root.resolve("etc/tiermount/mounts.conf")).exists();
    assertThat(root.resolve("cache/a/daemon.lock")).exists();
    install();
    assertThat(script("uninstall", "--purge").code()).isZero();
    assertThat(root.resolve("etc/tiermount")).doesNotExist();
    assertThat(root.resolve("cache/a")).doesNotExist();
    assertThat(root.resolve("cache/b/other")).exists();
  }

  @Test
  void b8_uninstall_refuses_while_something_has_not_reached_its_store() throws Exception {
    install();
    Files.writeString(
        directory.resolve("status.json"), "{\n  \"pending_changes\" : 3,\n  \"x\" : 1\n}\n");
    Ended pending = script("uninstall", "--purge");
    assertThat(pending.code()).isEqualTo(1);
    assertThat(pending.err()).contains("3 changes have not reached their stores");
    Files.delete(directory.resolve("status.json"));
    file("cache/b/staging/0/7", "written and never sent");
    Ended staged = script("uninstall", "--purge");
    assertThat(staged.code()).isEqualTo(1);
    assertThat(staged.err()).contains("/cache/b/staging holds 1 files");
    assertThat(root.resolve("usr/local/lib/tiermount/bin/tiermount")).exists();
    assertThat(root.resolve("etc/tiermount/mounts.conf")).exists();
  }

  @Test
  void b9_only_blank_disks_are_formatted_and_all_of_them_hold_the_cache() throws Exception {
    assumeTrue(LibC.getuid() == 0, "formatting and mounting need root");
    assumeTrue(
        shell
                .sh(
                    "command -v lsblk && command -v mkfs.ext4 && losetup -f && modprobe loop; losetup -f")
                .code()
            == 0,
        "no loop devices here");
    Files.createDirectories(root.resolve("etc/tiermount"));
    String d = directory.toString();
    assertThat(
            shell
                .sh(
                    "cd '"
                        + d
                        + "' && truncate -s 70M d0 d1 d2 d3 && mkfs.ext4 -q -F d2"
                        + " && printf x | dd of=d3 bs=1 seek=73000000 conv=notrunc status=none")
                .code())
        .isZero();
    String devices =
        "--device '%s/d0' --device '%s/d1' --device '%s/d2' --device '%s/d3'".formatted(d, d, d, d);
    Ended unasked =
        shell.sh(
            "bash '%s/prepare-nvme' --root '%s' %s </dev/null".formatted(SCRIPTS, root, devices));
    assertThat(unasked.code()).isEqualTo(1);
    assertThat(unasked.out())
        .contains("d0: blank", "d2: left alone: it holds ext4", "d3: left alone: it is not blank");
    assertThat(unasked.err()).contains("nobody can be asked here");
    try {
      Ended done = script("prepare-nvme", "--yes " + devices);
      assumeTrue(
          done.code() == 0 || !done.err().contains("loop device"),
          "no loop devices: " + done.err());
      assertThat(done.code()).as(done.err()).isZero();
      assertThat(shell.sh("mountpoint '%s/mnt/nvme0' '%s/mnt/nvme1'".formatted(root, root)).code())
          .isLessThanOrEqualTo(1);
      assertThat(MountTable.ofProcess().at(root.resolve("mnt/nvme1"))).isPresent();
      assertThat(MountTable.ofProcess().at(root.resolve("mnt/nvme2"))).isEmpty();
      assertThat(root.resolve("etc/fstab")).content().contains(" /mnt/nvme0 ext4 ", " /mnt/nvme1 ");
      Path config = root.resolve("etc/tiermount/nvme.conf");
      assertThat(config).content().contains("{ path = /mnt/nvme0/tiermount }, { path = /mnt/nvme1");
      Ended checked = shell.run("check-config", config.toString());
      assertThat(checked.code()).as(checked.err()).isZero();
      Ended again = script("prepare-nvme", "--yes " + devices);
      assertThat(again.code()).isEqualTo(1);
      assertThat(again.err()).contains("no blank disk");
    } finally {
      shell.sh("umount '%s/mnt/nvme0' '%s/mnt/nvme1'".formatted(root, root));
    }
  }
}
