package io.tiermount.daemon.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tiermount.daemon.admin.AdminApi.CacheOrder;
import io.tiermount.daemon.admin.AdminApi.CacheResult;
import io.tiermount.daemon.admin.AdminApi.MountOrder;
import io.tiermount.daemon.admin.AdminApi.Progress;
import io.tiermount.daemon.admin.AdminException.Kind;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AdminServerTest {
  private static final Duration DEADLINE = Duration.ofSeconds(20);

  @TempDir private Path directory = Path.of("");
  private final Json json = new Json();
  private final FakeDaemon daemon = new FakeDaemon();
  private Path socket = Path.of("");
  private AutoCloseable server = () -> {};

  @BeforeEach
  void start() throws IOException {
    socket = directory.resolve("a.sock");
    server = AdminServer.start(socket, daemon, json);
  }

  @AfterEach
  void stop() throws Exception {
    server.close();
  }

  @Test
  void the_socket_is_for_its_owner_alone() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-------");
  }

  @Test
  void status_has_the_documented_shape() throws Exception {
    var status = client().status(DEADLINE);
    assertThat(status.get("pid").asLong()).isEqualTo(42);
    assertThat(status.get("cache").get("used_bytes").asLong()).isEqualTo(7);
    assertThat(status.get("started_at").asText()).isEqualTo("2026-01-02T03:04:05Z");
    var mount = status.get("mounts").get(0);
    assertThat(mount.get("path").asText()).isEqualTo("/mnt/x");
    assertThat(mount.get("state").asText()).isEqualTo("ready");
    assertThat(mount.get("passthrough_off").asText()).isEqualTo("because");
    assertThat(mount.get("lookups").asLong()).isEqualTo(3);
    assertThat(mount.has("reason")).isFalse();
  }

  @Test
  void an_error_arrives_with_its_kind_and_words() {
    assertThatThrownBy(() -> client().unmount("/nowhere", DEADLINE))
        .isInstanceOfSatisfying(
            AdminException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND);
              assertThat(e).hasMessage("/nowhere is not mounted");
            });
  }

  /** An unmount that ends the daemon is answered all the same. */
  @Test
  void what_is_under_way_at_the_end_is_answered() throws Exception {
    try (ExecutorService others = Executors.newFixedThreadPool(2)) {
      Future<?> unmount = others.submit(() -> unmount("/mnt/last"));
      daemon.unmounting.await();
      Future<?> end = others.submit(this::close);
      daemon.unmounted.countDown();
      unmount.get();
      end.get();
    }
  }

  private @Nullable Void unmount(String path) throws Exception {
    client().unmount(path, DEADLINE);
    return null;
  }

  private @Nullable Void close() throws Exception {
    server.close();
    return null;
  }

  @Test
  void a_mount_order_travels_whole() throws Exception {
    var report =
        client()
            .mount(
                new MountOrder("s3://b", "/mnt/b", List.of("a=1"), Map.of("AWS_REGION", "x")),
                DEADLINE);
    assertThat(report.get("source").asText()).isEqualTo("s3://b");
    assertThat(daemon.orders).containsExactly("s3://b /mnt/b [a=1] {AWS_REGION=x}");
  }

  @Test
  void progress_streams_and_the_result_comes_last() throws Exception {
    List<Progress> seen = new ArrayList<>();
    CacheResult result =
        client().cache(new CacheOrder(CacheOrder.Action.WARM, List.of("/mnt/x/ü")), seen::add);
    assertThat(result).isEqualTo(new CacheResult(10, 1000, List.of("/mnt/x/ü")));
    assertThat(seen).isNotEmpty();
    assertThat(seen.getLast()).isEqualTo(new Progress(10, 1000, 10, 1000));
  }

  @Test
  void an_error_in_the_middle_of_a_stream_arrives_too() {
    assertThatThrownBy(
            () -> client().cache(new CacheOrder(CacheOrder.Action.EVICT, List.of()), _ -> {}))
        .isInstanceOfSatisfying(
            AdminException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BAD_REQUEST));
  }

  @Test
  void work_ends_when_its_caller_hangs_up() throws Exception {
    String body = json.line(new CacheOrder(CacheOrder.Action.VERIFY, List.of()));
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      send(
          channel,
          "POST /v1/cache HTTP/1.1\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
      assertThat(daemon.verifying.await(20, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(daemon.interrupted.await(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void what_is_not_a_request_is_refused() throws IOException {
    assertThat(answer("GET /etc/passwd HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 404");
    assertThat(answer("POST /v1/mount HTTP/1.1\r\nContent-Length: 3\r\n\r\n{x}"))
        .startsWith("HTTP/1.1 400");
  }

  @Test
  void a_dead_daemons_socket_is_replaced_and_its_announcement_removed() throws Exception {
    RunDirectory run = new RunDirectory(directory.resolve("run"));
    run.create();
    Path cache = Files.createDirectory(directory.resolve("cache"));
    Path dead = run.socket(cache);
    // The JDK leaves the file behind at close, as kill -9 does.
    try (var gone = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      gone.bind(UnixDomainSocketAddress.of(dead));
      run.announce(cache, new RunDirectory.Entry(1, cache.toString(), "x"), json);
      assertThat(run.sockets()).containsExactly(dead);
    }
    assertThat(Files.exists(dead)).isTrue();
    assertThat(run.sockets()).isEmpty();
    assertThat(Files.exists(dead)).isFalse();
    try (AdminServer next = AdminServer.start(dead, daemon, json)) {
      assertThat(RunDirectory.answers(next.socket())).isTrue();
    }
  }

  @Test
  void the_run_directory_is_ours_alone() throws IOException {
    RunDirectory run = new RunDirectory(directory.resolve("run"));
    Files.createDirectory(run.path());
    run.create();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(run.path())))
        .isEqualTo("rwx------");
    Path file = Files.createFile(directory.resolve("file"));
    assertThatThrownBy(() -> new RunDirectory(file).create())
        .hasMessageContaining("is not a directory");
  }

  @Test
  void the_run_directory_follows_the_user() {
    assertThat(RunDirectory.of(Map.of(), 0).path()).hasToString("/run/tiermount");
    assertThat(RunDirectory.of(Map.of(), 7).path()).hasToString("/tmp/tiermount-7");
    assertThat(RunDirectory.of(Map.of("XDG_RUNTIME_DIR", "/run/user/7"), 7).path())
        .hasToString("/run/user/7/tiermount");
    assertThat(RunDirectory.of(Map.of("TIERMOUNT_RUN_DIR", "/x/y"), 0).path()).hasToString("/x/y");
  }

  @Test
  void a_socket_path_too_long_for_the_kernel_is_refused_in_words() {
    RunDirectory run = new RunDirectory(Path.of("/" + "d".repeat(100)));
    assertThatThrownBy(() -> run.socket(directory)).hasMessageContaining("TIERMOUNT_RUN_DIR");
  }

  private AdminClient client() {
    return new AdminClient(socket, json);
  }

  private String answer(String request) throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      send(channel, request);
      return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static void send(SocketChannel channel, String text) throws IOException {
    int _ = channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static final class FakeDaemon implements AdminApi {
    @Override
    public void stop() {}

    final List<String> orders = new ArrayList<>();
    final CountDownLatch verifying = new CountDownLatch(1);
    final CountDownLatch interrupted = new CountDownLatch(1);
    final CountDownLatch unmounting = new CountDownLatch(1);
    final CountDownLatch unmounted = new CountDownLatch(1);

    @Override
    public DaemonReport status() {
      return new DaemonReport(
          42,
          "1",
          Instant.parse("2026-01-02T03:04:05Z"),
          Map.of("used_bytes", 7),
          Map.of("ended_requests", 0),
          List.of(report("file:///x", "/mnt/x")));
    }

    @Override
    public ReloadReport reload() {
      return new ReloadReport(List.of());
    }

    @Override
    public MountReport mount(MountOrder order) {
      orders.add(
          order.source() + " " + order.path() + " " + order.options() + " " + order.environment());
      return report(order.source(), order.path());
    }

    private static MountReport report(String source, String path) {
      return new MountReport(
          "x",
          path,
          source,
          "shared",
          "ready",
          null,
          Instant.EPOCH,
          "dev",
          false,
          "because",
          Map.of("lookups", 3));
    }

    @Override
    public void unmount(String path) throws AdminException {
      if (path.equals("/mnt/last")) {
        unmounting.countDown();
        try {
          unmounted.await();
          return;
        } catch (InterruptedException e) {
          throw new AdminException(Kind.FAILED, "interrupted", e);
        }
      }
      throw new AdminException(Kind.NOT_FOUND, path + " is not mounted");
    }

    @Override
    public LostFiles lost() {
      return new LostFiles(List.of());
    }

    @Override
    public void drop(DropOrder order) throws AdminException {
      throw new AdminException(Kind.NOT_FOUND, "nothing was lost");
    }

    @Override
    public SyncResult sync(SyncOrder order, ProgressSink progress) {
      return new SyncResult(0, 0, 0, false, 0, List.of());
    }

    @Override
    public CacheResult cache(CacheOrder order, ProgressSink progress)
        throws AdminException, InterruptedException {
      if (order.action() == CacheOrder.Action.EVICT) {
        throw new AdminException(Kind.BAD_REQUEST, "nothing to evict");
      }
      if (order.action() == CacheOrder.Action.WARM) {
        for (int i = 1; i <= 10; i++) {
          progress.report(new Progress(i, i * 100L, 10, 1000));
        }
        return new CacheResult(10, 1000, order.paths());
      }
      verifying.countDown();
      try {
        new CountDownLatch(1).await();
        return new CacheResult(0, 0, List.of());
      } catch (InterruptedException e) {
        interrupted.countDown();
        throw e;
      }
    }
  }
}
