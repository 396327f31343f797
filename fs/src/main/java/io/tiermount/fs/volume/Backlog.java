package io.tiermount.fs.volume;

import io.tiermount.fs.cache.Staging;
import io.tiermount.fs.volume.ChangeJournal.LostRecord;
import io.tiermount.fs.write.DirtyFile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What a mount has promised and the store does not have yet, for who looks and who waits. */
public final class Backlog {
  private static final int MAX_FAILING = 100;

  private final LocalNames names;
  private final Publishing publishing;
  private final DirectoryMoves moves;
  private final UploadWatch uploads;
  private final InstantSource clock;
  private final ChangeJournal journal;
  private final Staging staging;
  private volatile boolean closed;

  Backlog(Publishing.Parts parts, Publishing publishing, DirectoryMoves moves) {
    this.names = parts.names();
    this.uploads = parts.watch();
    this.clock = parts.clock();
    this.journal = parts.journal();
    this.staging = parts.staging();
    this.publishing = publishing;
    this.moves = moves;
  }

  /** A change that the store did not take. */
  public record Failing(String path, String reason) {}

  /**
   * Where it stands.
   *
   * @param dirtyBytes content that the store does not have, also what is still being written
   * @param oldestMillis how long the oldest change has waited, in this daemon; 0 for none
   * @param failing whose last attempt failed, at most {@value #MAX_FAILING}
   */
  public record Report(long dirtyBytes, long oldestMillis, List<Failing> failing) {}

  public UploadWatch uploads() {
    return uploads;
  }

  /** From memory and the disk; never waits for a store. */
  public Report report() {
    long bytes = 0;
    for (LocalFile file : names.files()) {
      DirtyFile data = file.content();
      bytes += data == null || file.node().isUnlinked() ? 0 : changedBytes(data);
    }
    long now = clock.millis();
    long oldest = now;
    List<Failing> failing = new ArrayList<>();
    for (NameChange change : names.pending()) {
      oldest = Math.min(oldest, change.sinceMillis());
      String why = change.failure();
      if (why != null) {
        failing.add(new Failing(path(change), why));
      }
    }
    moves.troubles().values().forEach(each -> failing.add(new Failing(each.path(), each.why())));
    failing.sort(Comparator.comparing(Failing::path));
    return new Report(
        bytes,
        now - oldest,
        List.copyOf(failing.subList(0, Math.min(MAX_FAILING, failing.size()))));
  }

  /**
   * Begins to wait for what is pending.
   *
   * @param inside relative to the mount; "" is the whole mount
   */
  public SyncRun sync(Path inside) {
    return new SyncRun(this, names, publishing, moves, inside.toString());
  }

  /**
   * What was written here and is no version of its file: it lost against another writer, or was
   * never acknowledged.
   *
   * @param path below the mount, as it was then
   * @param file where its content lies
   */
  public record Lost(
      long id, String path, long sizeBytes, Instant lostAt, String reason, Path file) {}

  /** The oldest first. */
  public List<Lost> lost() throws IOException {
    List<Lost> all = new ArrayList<>();
    journal.lost(record ->
        staging
            .path(record.directoryId(), record.id())
            .ifPresent(file ->
                all.add(
                    new Lost(
                        record.id(),
                        record.path(),
                        record.sizeBytes(),
                        Instant.ofEpochMilli(record.atMillis()),
                        record.why(),
                        file))));
    all.sort(Comparator.comparing(Lost::lostAt));
    return all;
  }

  /**
   * Deletes what was lost, for good.
   *
   * @return false where there is no such
   * @throws IOException where its writer still has it open
   */
  public boolean drop(long id) throws IOException {
    List<LostRecord> found = new ArrayList<>();
    journal.lost(record -> {
      if (record.id() == id) {
        found.add(record);
      }
    });
    if (found.isEmpty()) {
      return false;
    }
    names.lock.lock();
    try {
      for (LocalFile file : names.files()) {
        DirtyFile data = file.content();
        if (data != null && data.staging().id() == id) {
          throw new IOException(
              found.getFirst().path() + " is still open: end the program that writes it first");
        }
      }
      journal.removeLost(id);
      staging.reopen(found.getFirst().directoryId(), id).ifPresent(staging::discard);
    } finally {
      names.lock.unlock();
    }
    return true;
  }

  /** Below the mount. */
  static String path(NameChange change) {
    String dir = change.dir().path();
    return dir.isEmpty() ? change.name() : dir + "/" + change.name();
  }

  static long changedBytes(DirtyFile data) {
    try {
      return data.changedBytes();
    } catch (IOException | IllegalStateException e) {
      return 0; // It has just become the cache's, or is gone.
    }
  }

  boolean isClosed() {
    return closed;
  }

  void close() {
    closed = true;
  }
}
