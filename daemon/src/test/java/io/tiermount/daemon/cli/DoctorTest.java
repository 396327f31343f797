package io.tiermount.daemon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.os.FsStat;
import io.tiermount.daemon.cli.Doctor.Finding;
import io.tiermount.daemon.cli.Doctor.Level;
import io.tiermount.daemon.config.Explanation;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.TiermountConfig;
import io.tiermount.daemon.jobs.MountedPath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Machines made of files. */
final class DoctorTest {
  @TempDir private Path root = Path.of("");

  @ParameterizedTest
  @CsvSource({
    "6.18.44-fc-v657, OK",
    "6.9.0, OK",
    "6.8.0-31-generic, WARN",
    "5.4.0, WARN",
    "4.18.0-553.el8, FAIL",
    "something, WARN"
  })
  void the_kernel_decides_on_passthrough(String release, Level level) throws IOException {
    write("proc/sys/kernel/osrelease", release + "\n");
    Finding finding = doctor().kernel();
    assertThat(finding.level()).isEqualTo(level);
    assertThat(finding.advice().isEmpty()).isEqualTo(level == Level.OK);
  }

  @Test
  void a_missing_fuse_device_is_said_with_what_to_do() throws IOException {
    assertThat(doctor().fuseDevice().level()).isEqualTo(Level.FAIL);
    assertThat(doctor().fuseDevice().advice()).contains("modprobe fuse", "--device /dev/fuse");
    write("dev/fuse", "");
    assertThat(doctor().fuseDevice().level()).isEqualTo(Level.OK);
  }

  @Test
  void capabilities_are_read_from_the_effective_set() throws IOException {
    write("proc/self/status", "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n");
    assertThat(doctor().capabilities().level()).isEqualTo(Level.WARN);
    write("proc/self/status", "CapEff:\t0000000000200000\n");
    assertThat(doctor().capabilities().level()).isEqualTo(Level.OK);
  }

  @Test
  void libfuse_2_is_found_where_distributions_put_it() throws IOException {
    assertThat(doctor().libfuse().advice()).contains("apt-get install libfuse2");
    write("usr/lib/aarch64-linux-gnu/libfuse.so.2", "");
    assertThat(doctor().libfuse().level()).isEqualTo(Level.OK);
  }

  @Test
  void a_cache_on_overlayfs_is_warned_about_and_on_ext4_not() {
    Finding overlay = Doctor.cacheFileSystem("cache", FsStat.OVERLAYFS_MAGIC, "1 GiB free");
    assertThat(overlay.level()).isEqualTo(Level.WARN);
    assertThat(overlay.advice()).contains("passthrough", "ext4");
    assertThat(Doctor.cacheFileSystem("cache", FsStat.EXT4_MAGIC, "").level()).isEqualTo(Level.OK);
    assertThat(Doctor.cacheFileSystem("cache", FsStat.NFS_MAGIC, "").advice())
        .contains("local disk");
  }

  @Test
  void a_cache_disk_without_the_free_space_asked_for_is_warned_about() {
    assertThat(doctor().cacheDisk(root.resolve("not/yet/there"), 0).level()).isEqualTo(Level.OK);
    assertThat(doctor().cacheDisk(root, Long.MAX_VALUE).advice()).contains("min_free_bytes");
  }

  private Doctor doctor() {
    return new Doctor(root, new NoProgram());
  }

  private void write(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.resolveSibling(""));
    Files.writeString(path, text);
  }

  /** For checks that need none. */
  private record NoProgram() implements Program {
    @Override
    public ObjectStore bucket(MountConfig mount) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Instant now() {
      return Instant.EPOCH;
    }

    @Override
    public List<Explanation> explain(Path file, List<String> urls) {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<MountedPath> mounted() {
      return List.of();
    }

    @Override
    public String version() {
      return "test";
    }

    @Override
    public TiermountConfig configuration(Path file) {
      throw new AssertionError();
    }

    @Override
    public ExitCode runConfigured(@Nullable Path file) {
      throw new AssertionError();
    }

    @Override
    public TiermountConfig configuration() {
      throw new AssertionError();
    }

    @Override
    public TiermountConfig configuration(String source, Path directory, List<String> options) {
      throw new AssertionError();
    }

    @Override
    public ExitCode runDaemon(TiermountConfig config, boolean exitWhenUnused) {
      throw new AssertionError();
    }

    @Override
    public void announceReady(String status) {
      throw new AssertionError();
    }

    @Override
    public boolean clearDeadMount(Path path) {
      throw new AssertionError();
    }

    @Override
    public String probe(MountConfig mount) {
      throw new AssertionError();
    }
  }
}
