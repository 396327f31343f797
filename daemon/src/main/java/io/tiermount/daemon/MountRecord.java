package io.tiermount.daemon;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.daemon.admin.Json;
import io.tiermount.daemon.config.MountConfig;
import io.tiermount.daemon.config.SourceConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which mounts are ours, in a small file of the cache directory: what a killed daemon leaves can't
 * be told from somebody else's bind mount otherwise. Safe from any thread.
 */
final class MountRecord {
  /** The file's content: path → what was mounted there. */
  record Content(Map<String, String> mounts) {}

  private final Path file;
  private final Json json;

  @GuardedBy("this")
  private final Map<String, String> mounts = new TreeMap<>();

  private MountRecord(Path file, Json json) {
    this.file = file;
    this.json = json;
  }

  /** Opens it; an unreadable one counts as empty, since it only helps to tidy up. */
  static MountRecord open(Path file, Json json) throws IOException {
    MountRecord record = new MountRecord(file, json);
    try {
      synchronized (record) {
        record.mounts.putAll(json.parse(Files.readString(file), Content.class).mounts());
      }
    } catch (NoSuchFileException e) {
      return record;
    } catch (JsonProcessingException e) {
      Files.delete(file);
    }
    return record;
  }

  /** What StaleMounts later knows it by. */
  static String sourceOf(MountConfig config) throws IOException {
    return switch (config.source()) {
      case SourceConfig.LocalDirectory local ->
          Files.exists(local.directory())
              ? local.directory().toRealPath().toString()
              : local.directory().toString();
      case SourceConfig.LocalBucket bucket -> bucket.url();
      case SourceConfig.S3 s3 -> s3.url();
      case SourceConfig.NotYet other -> other.url();
    };
  }

  synchronized Map<String, String> mounts() {
    return Map.copyOf(mounts);
  }

  /** Written before the mount is made, so that a kill in between leaves a line too many only. */
  synchronized void add(Path path, String source) throws IOException {
    mounts.put(path.toString(), source);
    write();
  }

  synchronized void remove(Path path) throws IOException {
    if (mounts.remove(path.toString()) != null) {
      write();
    }
  }

  @GuardedBy("this")
  private void write() throws IOException {
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(fresh, json.line(new Content(mounts)) + "\n");
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
