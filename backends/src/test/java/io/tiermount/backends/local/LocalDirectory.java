package io.tiermount.backends.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.backends.StoreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;

/** An empty directory, removed at close whatever names are in it. */
record LocalDirectory(Path path) implements AutoCloseable {
  static LocalDirectory create() throws IOException {
    return new LocalDirectory(Files.createTempDirectory("tiermount-local-"));
  }

  LocalObjectStore open() throws StoreException {
    return LocalObjectStore.open(path, false, InstantSource.system());
  }

  /** What a person types. */
  static String shell(Path directory, String script) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("sh", "-ec", script)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as("%s%n%s", script, output).isZero();
    return output;
  }

  @Override
  public void close() throws IOException {
    try {
      // Not Files.walk: Java can't name every file under a C locale.
      shell(Path.of("/"), "rm -rf '" + path + "'");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }
}
