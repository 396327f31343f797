package io.tiermount.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.FaultyStore;
import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.fs.MountFixture.Options;
import io.tiermount.fs.scope.QuotaOptions;
import io.tiermount.fs.volume.Changes;
import io.tiermount.fs.volume.Quota;
import io.tiermount.fs.volume.Quota.Usage;
import io.tiermount.fs.write.WriteOptions.Durability;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a mount may hold: SEMANTICS S10, S11, S12, S13, S14. */
class QuotaTest {
  private static final long MIB = 1 << 20;

  @TempDir Path dir;
  private final Bucket bucket = new Bucket();

  private MountFixture mount(Durability durability, long maxBytes, long maxObjects)
      throws IOException {
    return new MountFixture(
        dir,
        bucket.faulty(),
        Options.writable(durability).quota(new QuotaOptions(maxBytes, maxObjects, 80)));
  }

  private static Quota quota(MountFixture mount) {
    Changes changes = mount.volume().changes();
    if (changes == null) {
      throw new AssertionError("it is writable");
    }
    return changes.quota();
  }

  private static void awaitCounted(MountFixture mount) throws Exception {
    MountFixture.await(() -> quota(mount).report().countedAtMillis() != 0);
  }

  /** A count that began after this call. */
  private static void recount(MountFixture mount) throws Exception {
    long before = quota(mount).report().countedAtMillis();
    Thread.sleep(2); // So that the next count has another time.
    quota(mount).recount();
    MountFixture.await(() -> quota(mount).report().countedAtMillis() > before);
  }

  /** What the store holds, by its own listing. */
  private Usage held() throws IOException {
    long bytes = 0;
    long objects = 0;
    ListRequest request = new ListRequest("", null, null, null, ListRequest.MAX_KEYS);
    while (true) {
      ListPage page = bucket.store().list(request);
      for (ObjectInfo object : page.objects()) {
        bytes += object.sizeBytes();
        objects++;
      }
      if (page.nextToken() == null) {
        return new Usage(bytes, objects);
      }
      request = request.next(page.nextToken());
    }
  }

  private static Usage used(MountFixture mount) {
    return quota(mount).report().used();
  }

  private static final String PROBE =
      """
      import os, errno
      def e(f):
          try: f(); return 'ok'
          except OSError as x: return errno.errorcode[x.errno]
      """;

  private static String python(MountFixture mount, String program) throws Exception {
    MountFixture.Result result =
        MountFixture.run(
            "python3", "-c", "import os; os.chdir('" + mount.mount() + "')\n" + program);
    assertThat(result.err()).isEmpty();
    return result.text().strip();
  }

  /** S10. */
  @ParameterizedTest
  @EnumSource
  void what_does_not_fit_is_refused_when_it_is_asked_for(Durability durability) throws Exception {
    bucket.put("there", Bucket.bytes(1 << 20, 1));
    try (MountFixture mount = mount(durability, 4 * MIB, Long.MAX_VALUE)) {
      awaitCounted(mount);
      assertThat(
              python(
                  mount,
                  PROBE
                      + """
                      f = os.open('f', os.O_CREAT | os.O_RDWR)
                      print(os.write(f, b'a' * (2 << 20)))
                      n = os.write(f, b'b' * (1 << 20))
                      print(n, e(lambda: os.write(f, b'b' * (1 << 20))))
                      print(e(lambda: os.write(f, b'c')))
                      print(e(lambda: os.ftruncate(f, 5 << 20)))
                      print(e(lambda: os.posix_fallocate(f, 0, 5 << 20)))
                      print(e(lambda: os.symlink('x', 'l')))
                      print(e(lambda: os.pwrite(f, b'over', 0)))
                      print(e(lambda: os.fsync(f)), e(lambda: os.close(f)))
                      print(e(lambda: os.truncate('there', 2 << 20)))
                      print(e(lambda: os.mkdir('d')))
                      print(e(lambda: os.unlink('there')), e(lambda: os.symlink('x', 'l')))
                      """))
          .isEqualTo(
              """
              2097152
              1048576 EDQUOT
              EDQUOT
              EDQUOT
              EDQUOT
              EDQUOT
              ok
              ok ok
              EDQUOT
              ok
              ok ok\
              """);
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
      assertThat(bucket.content("f")).hasSize(3 << 20);
      assertThat(used(mount)).isEqualTo(held());
    }
  }

  /** S10. */
  @ParameterizedTest
  @EnumSource
  void names_that_do_not_fit_are_refused(Durability durability) throws Exception {
    bucket.put("a/b", "implicit directories count for nothing");
    try (MountFixture mount = mount(durability, Long.MAX_VALUE, 4)) {
      awaitCounted(mount);
      assertThat(
              python(
                  mount,
                  PROBE
                      + """
                      o = lambda n: os.close(os.open(n, os.O_CREAT | os.O_WRONLY))
                      print(e(lambda: o('1')), e(lambda: os.mkdir('2')), e(lambda: os.symlink('x', '3')))
                      print(e(lambda: o('4')), e(lambda: os.mkdir('5')), e(lambda: os.symlink('x', '6')))
                      print(e(lambda: os.mknod('7')), e(lambda: o('1')))
                      print(e(lambda: os.rename('1', '3')), e(lambda: o('8')), e(lambda: o('9')))
                      print(e(lambda: os.rename('8', '2/8')), e(lambda: os.unlink('3')), e(lambda: o('9')))
                      print(sorted(os.listdir()))
                      """))
          .isEqualTo(
              """
              ok ok ok
              EDQUOT EDQUOT EDQUOT
              EDQUOT ok
              ok ok EDQUOT
              ok ok ok
              ['2', '9', 'a']\
              """);
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
      assertThat(used(mount)).isEqualTo(held());
    }
  }

  /** S11. */
  @Test
  void df_shows_the_quota() throws Exception {
    bucket.put("there", Bucket.bytes(1 << 20, 1));
    try (MountFixture mount = mount(Durability.LOCAL, 4 * MIB, 10)) {
      awaitCounted(mount);
      assertThat(mount.sh("head -c 1048576 /dev/zero > f").exit()).isZero();
      assertThat(mount.sh("stat -f -c '%S %b %f %a %c %d' .").text().strip())
          .isEqualTo("4096 1024 512 512 10 8");
      // More than fits, by another hand: nothing is free, and nothing is negative.
      bucket.put("more", Bucket.bytes(5 << 20, 2));
      recount(mount);
      assertThat(mount.sh("stat -f -c '%b %f %a' .").text().strip()).isEqualTo("1024 0 0");
      assertThat(quota(mount).report().percent()).isEqualTo(175);
      assertThat(quota(mount).report().warns()).isTrue();
    }
  }

  /** S12. */
  @Test
  void a_restart_lists_nothing_anew() throws Exception {
    for (int i = 0; i < 20; i++) {
      bucket.put("d/" + i, "content");
    }
    try (MountFixture mount = mount(Durability.LOCAL, 4 * MIB, 100)) {
      awaitCounted(mount);
      assertThat(mount.sh("echo more > d/more; rm d/3; mkdir e").exit()).isZero();
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
      assertThat(used(mount)).isEqualTo(held());
    }
    Usage held = held();
    bucket.calls().drain();
    try (MountFixture mount = mount(Durability.LOCAL, 4 * MIB, 100)) {
      assertThat(used(mount)).isEqualTo(held);
      assertThat(mount.sh("head -c 5000000 /dev/zero > f").exit()).isNotZero();
      assertThat(quota(mount).report().refused()).isPositive();
      assertThat(bucket.calls().drain()).doesNotContain("LIST ");
    }
  }

  /** S13: what is counted while names and sizes change is what is there in the end. */
  @ParameterizedTest
  @EnumSource
  void a_count_beside_writers_is_right(Durability durability) throws Exception {
    for (int i = 0; i < 3000; i++) {
      bucket.put("d%02d/f%04d".formatted(i % 40, i), Bucket.bytes(i % 97, i));
    }
    String writer =
        """
        import os, random, sys
        r = random.Random(%d)
        for i in range(150):
            d = 'd%%02d' %% r.randrange(40)
            n = d + '/f%%04d' %% r.randrange(3000)
            k = r.randrange(6)
            try:
                if k == 0: open(n, 'w').write('x' * r.randrange(4000))
                if k == 1: open(n, 'a').write('y' * r.randrange(4000))
                if k == 2: os.unlink(n)
                if k == 3: os.rename(n, 'd%%02d/g%%d-%d' %% (r.randrange(40), i))
                if k == 4: os.truncate(n, r.randrange(500))
                if k == 5: os.mkdir(d + '/m%%d-%d' %% i)
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError): pass
        """;
    try (MountFixture mount = mount(durability, 1L << 40, 1_000_000)) {
      awaitCounted(mount);
      // The first page is there, the others come when all is done.
      FaultyStore.Gate gate = bucket.faulty().gate("LIST  token");
      long before = quota(mount).report().countedAtMillis();
      quota(mount).recount();
      gate.awaitCall();
      List<CompletableFuture<String>> first = writers(mount, writer, 0);
      for (CompletableFuture<String> one : first) {
        assertThat(one.get()).isEmpty();
      }
      gate.open();
      MountFixture.await(() -> quota(mount).report().countedAtMillis() > before);
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
      assertThat(used(mount)).as("counted meanwhile").isEqualTo(held());
      // Pages come at any time.
      List<CompletableFuture<String>> second = writers(mount, writer, WRITERS);
      while (!second.stream().allMatch(CompletableFuture::isDone)) {
        recount(mount);
      }
      for (CompletableFuture<String> one : second) {
        assertThat(one.get()).isEmpty();
      }
      MountFixture.await(() -> mount.volume().pendingChanges() == 0);
      assertThat(used(mount)).as("counted again and again").isEqualTo(held());
      recount(mount);
      assertThat(used(mount)).as("counted at rest").isEqualTo(held());
    }
  }

  private static final int WRITERS = 2;

  private static List<CompletableFuture<String>> writers(
      MountFixture mount, String program, int seed) {
    return IntStream.range(seed, seed + WRITERS)
        .mapToObj(i ->
            CompletableFuture.supplyAsync(() -> {
              try {
                return python(mount, program.formatted(i, i, i));
              } catch (Exception e) {
                throw new CompletionException(e);
              }
            }))
        .toList();
  }

  /** S14. */
  @Test
  void the_kernel_writes_by_itself_only_far_from_the_limit() throws Exception {
    try (MountFixture mount = mount(Durability.LOCAL, 100L << 30, Long.MAX_VALUE)) {
      awaitCounted(mount);
      assertThat(mount.sh("head -c 8388608 /dev/zero > far").exit()).isZero();
      assertThat(mount.requests("WRITE")).isZero();
      // Seen at its close, not only by the next count.
      assertThat(used(mount).bytes()).isEqualTo(8 * MIB);
    }
    try (MountFixture mount = mount(Durability.LOCAL, 1L << 30, Long.MAX_VALUE)) {
      awaitCounted(mount);
      assertThat(mount.sh("head -c 8388608 /dev/zero > near").exit()).isZero();
      assertThat(mount.requests("WRITE")).isPositive();
      assertThat(used(mount).bytes()).isEqualTo(16 * MIB);
    }
  }
}
