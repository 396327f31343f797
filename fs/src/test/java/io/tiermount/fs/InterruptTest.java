package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore;
import io.tiermount.fs.MountFixture.Options;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SEMANTICS R26, R27: nobody is held by a store that does not answer. */
class InterruptTest {
  private static final int DEADLINE_SECONDS = 30;

  @TempDir Path dir;
  private final Bucket bucket = new Bucket();
  private final FaultyStore store = new FaultyStore(bucket.store());
  private final List<FaultyStore.Gate> gates = new ArrayList<>();
  private final List<Process> started = new ArrayList<>();

  @AfterEach
  void letGo() {
    gates.forEach(FaultyStore.Gate::open);
    started.forEach(Process::destroyForcibly);
  }

  private FaultyStore.Gate gate(String start) {
    FaultyStore.Gate gate = store.gate(start);
    gates.add(gate);
    return gate;
  }

  private Process start(String... command) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(dir.resolve("err").toFile())
            .start();
    started.add(process);
    return process;
  }

  private static void signal(Process process, String name) throws Exception {
    assertThat(MountFixture.run("kill", "-" + name, String.valueOf(process.pid())).exit()).isZero();
  }

  private static void assertEnds(Process process) throws InterruptedException {
    assertThat(process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)).as("it ends").isTrue();
  }

  @Test
  void r26_a_reader_that_waits_for_the_store_dies_at_once() throws Exception {
    byte[] bytes = Bucket.bytes(5 << 20, 1);
    bucket.put("f", bytes);
    FaultyStore.Gate gate = gate("GET f");
    try (MountFixture mount = new MountFixture(dir, store, Options.USUAL)) {
      for (String name : List.of("KILL", "TERM", "INT")) {
        Process cat = start("cat", mount.path("f"));
        gate.awaitCall();
        signal(cat, name);
        assertEnds(cat);
      }
      gate.open();
      assertThat(mount.cat("f")).as("the store answers again").isEqualTo(bytes);
    }
  }

  @Test
  void r26_a_caught_signal_ends_a_look_up_with_eintr_and_the_next_one_works() throws Exception {
    bucket.put("f", "x");
    FaultyStore.Gate gate = gate("HEAD f");
    try (MountFixture mount = new MountFixture(dir, store, Options.USUAL)) {
      // Python asks again after EINTR unless the handler raises.
      Process stat =
          start(
              "python3",
              "-c",
              """
              import os, signal, sys
              def stop(*_): raise KeyError
              signal.signal(signal.SIGUSR1, stop)
              try:
                  os.stat(sys.argv[1])
              except KeyError:
                  sys.exit(42)
              """,
              mount.path("f"));
      gate.awaitCall();
      signal(stat, "USR1");
      assertEnds(stat);
      assertThat(stat.exitValue()).isEqualTo(42);
      gate.open();
      assertThat(mount.sh("cat f").text()).isEqualTo("x");
    }
  }

  @Test
  void r26_one_who_gives_up_does_not_take_the_answer_from_the_others() throws Exception {
    bucket.put("f", Bucket.bytes(5 << 20, 1));
    FaultyStore.Gate gate = gate("HEAD f");
    try (MountFixture mount = new MountFixture(dir, store, Options.USUAL)) {
      Process first = start("stat", mount.path("f"));
      gate.awaitCall();
      Process second = start("cat", mount.path("f"));
      signal(first, "KILL");
      assertEnds(first);
      gate.open();
      assertEnds(second);
      assertThat(second.exitValue()).isZero();
    }
  }

  @Test
  void r27_a_mount_with_requests_under_way_unmounts() throws Exception {
    bucket.put("f", Bucket.bytes(5 << 20, 1)).put("g", "x").put("d/x", "x");
    List<FaultyStore.Gate> waits = List.of(gate("GET f"), gate("HEAD g"), gate("LIST d/ delim"));
    MountFixture mount = new MountFixture(dir, store, Options.USUAL);
    Thread closing = Thread.ofPlatform().unstarted(mount::close);
    List<Process> hanging = new ArrayList<>();
    try {
      hanging.add(start("cat", mount.path("f")));
      hanging.add(start("stat", mount.path("g")));
      hanging.add(start("ls", mount.path("d")));
      for (FaultyStore.Gate gate : waits) {
        gate.awaitCall();
      }
    } finally {
      closing.start();
    }
    for (Process process : hanging) {
      assertEnds(process);
      assertThat(process.exitValue()).isNotZero();
    }
    MountFixture.await(() -> mount.left() == null);
    gates.forEach(FaultyStore.Gate::open); // the cache waits a while for what it fetches
    closing.join();
  }
}
