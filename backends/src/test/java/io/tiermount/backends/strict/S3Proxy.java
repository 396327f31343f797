package io.tiermount.backends.strict;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * s3proxy as a child process over a directory, the real server of tests. Its jars are fetched by
 * {@code scripts/s3proxy-libs} into {@code backends/target/s3proxy}. Buckets are directories below
 * {@code DIR/data}.
 */
public final class S3Proxy implements AutoCloseable {
  public static final String ACCESS_KEY = "proxyaccess";
  public static final String SECRET_KEY = TestSecrets.of("proxy");
  private static final Duration START = Duration.ofSeconds(100);

  private final Path directory;
  private final List<String> command;
  private final int port;
  private final Path data;
  private Process process;

  private S3Proxy(Path directory, List<String> command, int port, Path data) throws IOException {
    this.directory = directory;
    this.command = command;
    this.port = port;
    this.data = data;
    this.process = launch();
  }

  private Process launch() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(directory.resolve("s3proxy.log").toFile()));
    // Keys are its file names: without a locale it refuses those that are not ASCII.
    builder.environment().put("LC_ALL", "C.UTF-8");
    return builder.start();
  }

  /** Returns once the server takes connections; its log is {@code directory/s3proxy.log}. */
  public static S3Proxy start(Path directory) throws IOException, InterruptedException {
    Path libraries = libraries();
    Path data = Files.createDirectories(directory.resolve("data"));
    int port = freePort();
    Path configuration = directory.resolve("s3proxy.conf");
    Files.writeString(
        configuration,
        """
        s3proxy.endpoint=http://127.0.0.1:%d
        s3proxy.authorization=aws-v2-or-v4
        s3proxy.identity=%s
        s3proxy.credential=%s
        jclouds.provider=filesystem-nio2
        jclouds.identity=%s
        jclouds.credential=%s
        jclouds.filesystem.basedir=%s
        """
            .formatted(port, ACCESS_KEY, SECRET_KEY, ACCESS_KEY, SECRET_KEY, data));
    Path logging = directory.resolve("logback.xml");
    Files.writeString(
        logging,
        """
        <configuration>
          <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
            <encoder><pattern>%d %level %logger %msg%n</pattern></encoder>
          </appender>
          <root level="WARN"><appender-ref ref="out"/></root>
        </configuration>
        """);
    S3Proxy proxy =
        new S3Proxy(
            directory,
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-Dlogback.configurationFile=" + logging,
                "-cp",
                libraries.resolve("lib") + "/*",
                "org.gaul.s3proxy.Main",
                "--properties",
                configuration.toString()),
            port,
            data);
    proxy.awaitAnswer();
    return proxy;
  }

  /** Kills the server; its buckets stay. */
  public void stop() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** After {@link #stop}: on the same port, with the same buckets. */
  public void startAgain() throws IOException {
    process = launch();
    awaitAnswer();
  }

  private static Path libraries() throws IOException, InterruptedException {
    Path root = Path.of(System.getProperty("tiermount.root", ".")).toAbsolutePath().normalize();
    Path script = root.resolve("scripts/s3proxy-libs");
    ProcessBuilder builder =
        new ProcessBuilder(List.of(script.toString()))
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    try (InputStream out = process.getInputStream()) {
      String directory = new String(out.readAllBytes(), StandardCharsets.UTF_8).strip();
      if (process.waitFor() != 0) {
        throw new IOException(script + " failed: see its message above");
      }
      return Path.of(directory);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return any.getLocalPort();
    }
  }

  private void awaitAnswer() throws IOException {
    long end = System.nanoTime() + START.toNanos();
    while (System.nanoTime() < end && process.isAlive()) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        if (socket.isConnected()) {
          return;
        }
      } catch (IOException e) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50)); // not listening yet
      }
    }
    close();
    throw new IOException("s3proxy did not start: see " + directory.resolve("s3proxy.log"));
  }

  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + port);
  }

  public void createBucket(String name) throws IOException {
    Files.createDirectories(data.resolve(name));
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
