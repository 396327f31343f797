package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.tiermount.backends.os.LibC;
import io.tiermount.backends.strict.Fault;
import io.tiermount.backends.strict.StrictS3Server;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.config.MountConfig;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** C27 with a daemon and a store that stalls; and the last resort. */
final class WatchdogMountTest {
  @TempDir private Path directory = Path.of("");

  @Test
  void c27_a_request_that_is_stuck_ends_with_eio_and_the_mount_goes_on() throws Exception {
    assumeTrue(LibC.getuid() == 0, "mounts need root");
    try (StrictS3Server server = StrictS3Server.start();
        Tiermount tiermount = new Tiermount(directory, Map.of())) {
      server.createBucket("bucket");
      Path mnt = directory.resolve("mnt");
      Path config = directory.resolve("mounts.conf");
      Files.writeString(
          config,
          """
          storage.cache.default_base_dir = "%1$s/cache"
          watchdog { threshold_sec = 3, watch_interval_sec = 1 }
          credentials.test { type = s3, access_key = "%2$s", secret_key = "%3$s" }
          mounts.data { path = "%1$s/mnt", scope = shared, source = "s3://bucket", prefix = "", endpoint = "%4$s", region = "%5$s", credentials = test }
          """
              .formatted(
                  directory,
                  server.options().accessKey(),
                  server.options().secretKey(),
                  server.endpoint(),
                  server.options().region()));
      var _ = tiermount.start(Tiermount.command("daemon", "--config", config.toString()));
      long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(110);
      while (!ready(tiermount.status())) {
        assertThat(System.nanoTime()).as("the mount comes up").isLessThan(endNanos);
      }
      server.faults().seeded(1, 1, List.of(new Fault.Stall()));

      String look = "LC_ALL=C stat '" + mnt.resolve("other") + "'";
      Tiermount.Ended ended = tiermount.sh(look);

      assertThat(ended.code()).isNotZero();
      assertThat(ended.err()).contains("Input/output error");
      JsonNode daemon = tiermount.daemon();
      assertThat(daemon.path("watchdog").path("ended_requests").asLong()).isPositive();
      server.faults().seeded(1, 0, List.of());
      // A loaded machine may be slower than this watchdog's threshold: it is asked again then.
      while (!tiermount.sh(look).err().contains("No such file")) {
        assertThat(System.nanoTime()).as("the mount goes on").isLessThan(endNanos);
      }
    }
  }

  private static boolean ready(JsonNode status) {
    return status.findValuesAsText("state").contains("ready");
  }

  /** A mount that is none, and says what it is asked for. */
  private static MountDriver recorded(List<String> calls) {
    return (MountDriver)
        Proxy.newProxyInstance(
            MountDriver.class.getClassLoader(),
            new Class<?>[] {MountDriver.class},
            (_, method, _) -> {
              calls.add(method.getName());
              return method.getReturnType().equals(boolean.class) ? false : null;
            });
  }

  @Test
  void c27_the_last_resort_cuts_the_mount_off_and_mounts_it_anew() throws Exception {
    List<String> calls = java.util.Collections.synchronizedList(new ArrayList<>());
    MountTable table = MountTable.ofProcess();
    MountRecord record = MountRecord.open(directory.resolve("mounts.json"), new Json());
    Mounts mounts =
        new Mounts(
            (_, _) -> recorded(calls),
            new StaleMounts(table, record),
            record,
            table,
            new KeptMounts(new NoStore(), new Json()),
            Map.of(),
            Clock.systemUTC());
    Path path = directory.resolve("x");
    MountConfig config = Configs.bind("x", path, directory, false);
    mounts.startAll(List.of(config)).join();

    mounts.renew(path);

    Mount anew = mounts.holding(path).orElseThrow();
    assertThat(anew.started().get(30, TimeUnit.SECONDS)).isInstanceOf(MountState.Ready.class);
    calls.removeIf(call -> !call.equals("start") && !call.equals("stop"));
    assertThat(calls).containsExactly("start", "stop", "start");
    mounts.renew(directory.resolve("elsewhere"));
    mounts.stopAll(Duration.ofSeconds(5));
  }
}
