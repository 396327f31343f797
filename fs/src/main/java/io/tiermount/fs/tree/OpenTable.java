package io.tiermount.fs.tree;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.os.LibC;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the kernel has open, written down so that a successor of a killed process knows it: a mapped
 * file of slots, one for each open. Plain stores into a shared mapping survive the process, and
 * cost no system call for an open. A power loss ends the opens themselves, so nothing is synced.
 *
 * <p>A slot is written before the kernel is answered. Where the process dies in between, the kernel
 * sends the same request again, and {@link Open#unique} tells. Safe from any thread.
 */
public final class OpenTable implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(OpenTable.class);
  private static final int FORM = 1;
  private static final int SLOT_BYTES = 512;

  /** Of one mapping; the first slot is the file's head. */
  private static final int SEGMENT_SLOTS = 2048;

  private static final long SEGMENT_BYTES = (long) SLOT_BYTES * SEGMENT_SLOTS;

  /** What is opened beyond half a million opens at once is not written down. */
  private static final int MAX_SEGMENTS = 256;

  private static final int NO_SLOT = -1;
  private static final long ID = 0;
  private static final long NODE = 8;
  private static final long UNIQUE = 16;
  private static final long FLAGS = 24;
  private static final long BACKING = 28;
  private static final long BACKING_INO = 32;
  private static final long COOKIE = 40;
  private static final long NAME_HASH = 48;
  private static final long FACTS_BYTES = 56;
  private static final long VERSION_BYTES = 60;
  private static final long FACTS = 64;
  private static final int MAX_FACTS = 328;
  private static final long VERSION = FACTS + MAX_FACTS;
  private static final int MAX_VERSION = (int) (SLOT_BYTES - VERSION);

  private static final int DIRECTORY = 1;
  private static final int WRITABLE = 2;
  private static final int PASSTHROUGH = 4;

  /** Head: the highest backing id that was ever in a slot. */
  private static final long LAST_BACKING = 8;

  private final @Nullable Path file;
  private final boolean reopened;
  private final Arena arena = Arena.ofAuto();

  @GuardedBy("this")
  private final Deque<Integer> free = new ArrayDeque<>();

  private volatile MemorySegment[] segments = {};

  @GuardedBy("this")
  private boolean full;

  private OpenTable(@Nullable Path file, boolean reopened) {
    this.file = file;
    this.reopened = reopened;
  }

  /**
   * One open.
   *
   * @param id its file handle
   * @param unique of the request that opened it
   * @param backing the kernel's number for its backing file; 0 where it is not in passthrough
   * @param backingIno that file's inode on the cache's disk
   * @param facts what it is open on, as its owner encoded it; empty for a directory
   * @param version of the content, where that has got another one since
   * @param cookie the last one that was given out for a directory
   * @param nameHash of the entry it belongs to
   */
  public record Open(
      int slot,
      long id,
      long nodeId,
      long unique,
      boolean directory,
      boolean writable,
      boolean passthrough,
      int backing,
      long backingIno,
      byte[] facts,
      @Nullable String version,
      long cookie,
      long nameHash) {}

  /** A table that keeps nothing: what it is told is gone with the process. */
  public static OpenTable none() {
    return new OpenTable(null, false);
  }

  /** False where nothing is kept: no need to say what. */
  public boolean keeps() {
    return file != null;
  }

  /** True where it is an earlier process's. */
  public boolean isReopened() {
    return reopened;
  }

  /** An empty one; what the file held is gone. */
  public static OpenTable create(Path file) throws IOException {
    Files.deleteIfExists(file);
    return new OpenTable(file, false);
  }

  /** As an earlier process left it. */
  public static OpenTable reopen(Path file) throws IOException {
    OpenTable table = new OpenTable(file, true);
    if (Files.exists(file)) {
      long size = Files.size(file);
      synchronized (table) {
        for (int i = 0; i < size / SEGMENT_BYTES && i < MAX_SEGMENTS; i++) {
          table.map(file, i);
        }
        int form = table.segments.length == 0 ? FORM : table.segments[0].get(JAVA_INT, 0);
        if (form != FORM && form != 0) {
          throw new IOException(file + " was written by another version of tiermount");
        }
        for (int slot = table.segments.length * SEGMENT_SLOTS - 1; slot > 0; slot--) {
          if (table.at(slot).get(JAVA_LONG, ID) == 0) {
            table.free.push(slot);
          }
        }
      }
    }
    return table;
  }

  /**
   * Writes an open of a file down.
   *
   * @param passthrough with {@code backing} and {@code backingIno}
   * @return its slot; negative where it could not be written down
   */
  int add(
      long id,
      long nodeId,
      OpenNote note,
      boolean writable,
      boolean passthrough,
      int backing,
      long backingIno) {
    if (note.facts().length > MAX_FACTS) {
      log.debug("what node {} is open on is too long to be written down", nodeId);
      return NO_SLOT;
    }
    int slot = take();
    if (slot < 0) {
      return slot;
    }
    MemorySegment at = at(slot);
    int flags = (writable ? WRITABLE : 0) | (passthrough ? PASSTHROUGH : 0);
    fill(at, nodeId, note.unique(), flags);
    at.set(JAVA_INT, BACKING, backing);
    at.set(JAVA_LONG, BACKING_INO, backingIno);
    at.set(JAVA_INT, FACTS_BYTES, note.facts().length);
    MemorySegment.copy(note.facts(), 0, at, JAVA_BYTE, FACTS, note.facts().length);
    publish(at, id);
    if (passthrough) {
      MemorySegment head = segments[0];
      head.set(JAVA_INT, LAST_BACKING, Math.max(backing, head.get(JAVA_INT, LAST_BACKING)));
    }
    return slot;
  }

  /** Writes an open of a directory down; see {@link #add}. */
  public int addDirectory(long id, long nodeId, long unique) {
    int slot = take();
    if (slot >= 0) {
      MemorySegment at = at(slot);
      fill(at, nodeId, unique, DIRECTORY);
      publish(at, id);
    }
    return slot;
  }

  private static void fill(MemorySegment at, long nodeId, long unique, int flags) {
    at.set(JAVA_LONG, NODE, nodeId);
    at.set(JAVA_LONG, UNIQUE, unique);
    at.set(JAVA_INT, FLAGS, flags);
    at.set(JAVA_INT, BACKING, 0);
    at.set(JAVA_LONG, COOKIE, 0);
    at.set(JAVA_INT, FACTS_BYTES, 0);
    at.set(JAVA_INT, VERSION_BYTES, 0);
  }

  /** The number comes last: whoever finds it finds the rest. */
  private static void publish(MemorySegment at, long id) {
    VarHandle.releaseFence();
    at.set(JAVA_LONG, ID, id);
    VarHandle.releaseFence();
  }

  /** How far a directory was read. */
  public void reached(int slot, long cookie, long nameHash) {
    if (slot >= 0) {
      at(slot).set(JAVA_LONG, NAME_HASH, nameHash);
      at(slot).set(JAVA_LONG, COOKIE, cookie);
    }
  }

  /** The content has another version from here on. */
  void version(int slot, String version) {
    byte[] bytes = version.getBytes(StandardCharsets.UTF_8);
    if (slot < 0 || bytes.length > MAX_VERSION) {
      return;
    }
    MemorySegment at = at(slot);
    at.set(JAVA_INT, VERSION_BYTES, 0);
    VarHandle.releaseFence();
    MemorySegment.copy(bytes, 0, at, JAVA_BYTE, VERSION, bytes.length);
    VarHandle.releaseFence();
    at.set(JAVA_INT, VERSION_BYTES, bytes.length);
  }

  /** It is closed. */
  public void remove(int slot) {
    if (slot < 0) {
      return;
    }
    at(slot).set(JAVA_LONG, ID, 0L);
    synchronized (this) {
      free.push(slot);
    }
  }

  /** All opens. */
  public List<Open> opens() {
    List<Open> opens = new ArrayList<>();
    for (int slot = 1; slot < segments.length * SEGMENT_SLOTS; slot++) {
      MemorySegment at = at(slot);
      long id = at.get(JAVA_LONG, ID);
      if (id != 0) {
        opens.add(read(slot, id, at));
      }
    }
    return opens;
  }

  private static Open read(int slot, long id, MemorySegment at) {
    int flags = at.get(JAVA_INT, FLAGS);
    int factsBytes = Math.clamp(at.get(JAVA_INT, FACTS_BYTES), 0, MAX_FACTS);
    int versionBytes = Math.clamp(at.get(JAVA_INT, VERSION_BYTES), 0, MAX_VERSION);
    byte[] version = at.asSlice(VERSION, versionBytes).toArray(JAVA_BYTE);
    return new Open(
        slot,
        id,
        at.get(JAVA_LONG, NODE),
        at.get(JAVA_LONG, UNIQUE),
        (flags & DIRECTORY) != 0,
        (flags & WRITABLE) != 0,
        (flags & PASSTHROUGH) != 0,
        at.get(JAVA_INT, BACKING),
        at.get(JAVA_LONG, BACKING_INO),
        at.asSlice(FACTS, factsBytes).toArray(JAVA_BYTE),
        versionBytes == 0 ? null : new String(version, StandardCharsets.UTF_8),
        at.get(JAVA_LONG, COOKIE),
        at.get(JAVA_LONG, NAME_HASH));
  }

  /** The highest backing id that was ever written down. */
  int lastBacking() {
    MemorySegment[] mapped = segments;
    return mapped.length == 0 ? 0 : mapped[0].get(JAVA_INT, LAST_BACKING);
  }

  private MemorySegment at(int slot) {
    return segments[slot / SEGMENT_SLOTS].asSlice(
        (long) (slot % SEGMENT_SLOTS) * SLOT_BYTES, SLOT_BYTES);
  }

  private synchronized int take() {
    Path table = file;
    if (table == null || full) {
      return NO_SLOT;
    }
    if (free.isEmpty()) {
      try {
        grow(table);
      } catch (IOException e) {
        full = true;
        log.warn("what is opened from now on would not survive a restart of the daemon", e);
        return NO_SLOT;
      }
    }
    return free.pop();
  }

  /**
   * Room is allocated first: a store into a hole of a full disk would be the end of the process.
   */
  @GuardedBy("this")
  private void grow(Path table) throws IOException {
    int index = segments.length;
    if (index == MAX_SEGMENTS) {
      throw new IOException(MAX_SEGMENTS * SEGMENT_SLOTS + " opens at once are the limit");
    }
    int fd = LibC.open(table.toString(), LibC.O_RDWR | LibC.O_CREAT | LibC.O_CLOEXEC, 0600);
    try {
      LibC.fallocate(fd, 0, index * SEGMENT_BYTES, SEGMENT_BYTES);
    } finally {
      LibC.close(fd);
    }
    map(table, index);
    for (int i = SEGMENT_SLOTS - 1; i >= 0; i--) {
      int slot = index * SEGMENT_SLOTS + i;
      if (slot == 0) {
        segments[0].set(JAVA_INT, 0, FORM);
      } else {
        free.push(slot);
      }
    }
  }

  @GuardedBy("this")
  private void map(Path table, int index) throws IOException {
    try (FileChannel channel =
        FileChannel.open(table, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MemorySegment mapped =
          channel.map(FileChannel.MapMode.READ_WRITE, index * SEGMENT_BYTES, SEGMENT_BYTES, arena);
      MemorySegment[] more = new MemorySegment[index + 1];
      System.arraycopy(segments, 0, more, 0, index);
      more[index] = mapped;
      segments = more;
    }
  }

  /** The mount is gone, and with it every open. */
  @Override
  public synchronized void close() throws IOException {
    full = true;
    if (file != null) {
      Files.deleteIfExists(file);
    }
  }
}
