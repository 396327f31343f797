package io.tiermount.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** systemd's end of NOTIFY_SOCKET (sd_notify(3)): hears what a daemon says. Needs python3. */
final class NotifySocket implements AutoCloseable {
  private static final int DEADLINE_SECONDS = 60;

  private final Path path;
  private final Process listener;
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

  private NotifySocket(Path path, Process listener) {
    this.path = path;
    this.listener = listener;
  }

  /** Listens at a path below a directory of the test's own. */
  static NotifySocket listen(Path directory) throws IOException, InterruptedException {
    // sun_path holds 107 bytes, and JUnit's directories are long on some machines.
    Path path = Files.createTempDirectory(Path.of("/tmp"), "notify").resolve("s");
    Process listener =
        new ProcessBuilder(
                "python3",
                "-c",
                """
                import socket, sys
                s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                s.bind(sys.argv[1])
                print("listening", flush=True)
                while True:
                    for line in s.recv(65536).decode().split("\\n"):
                        print(line, flush=True)
                """,
                path.toString())
            .redirectError(directory.resolve("notify.err").toFile())
            .start();
    NotifySocket socket = new NotifySocket(path, listener);
    Thread.ofPlatform().daemon().start(() -> socket.read(listener.inputReader()));
    assertThat(socket.await("listening"::equals)).isEqualTo("listening");
    return socket;
  }

  String address() {
    return path.toString();
  }

  /** The next line that fits; earlier ones are left behind. */
  String await(Predicate<String> wanted) throws InterruptedException {
    List<String> heard = new ArrayList<>();
    long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (true) {
      @Nullable String line = lines.poll(endNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
      assertThat(line).as("what was said instead: %s", heard).isNotNull();
      if (wanted.test(line)) {
        return line;
      }
      heard.add(line);
    }
  }

  /** Everything heard up to now and not awaited. */
  List<String> heard() {
    List<String> heard = new ArrayList<>();
    lines.drainTo(heard);
    return heard;
  }

  private void read(BufferedReader reader) {
    reader.lines().forEach(lines::add);
  }

  @Override
  public void close() throws IOException {
    listener.destroyForcibly();
    Files.deleteIfExists(path);
    Path parent = path.getParent();
    if (parent != null) {
      Files.deleteIfExists(parent);
    }
  }
}
