package io.tiermount.fs.cache;

import io.tiermount.backends.os.ErrnoException;
import io.tiermount.backends.os.FileStat;
import io.tiermount.backends.os.LibC;
import io.tiermount.fs.cache.BlockCache.VerifyReport;
import io.tiermount.fs.cache.CacheOptions.Verify;
import io.tiermount.fs.cache.ContentRecord.Stamp;
import io.tiermount.fs.meta.Scan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/** Looks at whole files' checksums: before the kernel reads them by itself, and on demand. */
final class Verifier {
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private final Parts parts;
  private final Contents contents;
  private final Verify verify;
  private final String bootId;
  private final Set<Long> waiting = ConcurrentHashMap.newKeySet();
  private final ExecutorService background;
  private volatile boolean closed;

  Verifier(Parts parts, Contents contents, Verify verify) throws IOException {
    this.parts = parts;
    this.contents = contents;
    this.verify = verify;
    bootId = bootId();
    background =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("cache-verifier").daemon().factory());
  }

  /** The boot this runs in. */
  String boot() {
    return bootId;
  }

  static String bootId() throws IOException {
    return Files.readString(BOOT_ID).strip();
  }

  /** See {@link CachedFile#backingFile}. */
  int backingFile(Content content, long maxVerifyBytes) throws IOException {
    if (!mark(content)) {
      return -1;
    }
    int fd = content.directory().files().open(content.id(), content.sizeBytes(), LibC.O_RDONLY);
    boolean good = false;
    try {
      if (fd < 0) {
        content.openFile(); // Notices the loss, where the file was not open already.
        return -1;
      }
      if (verify == Verify.ON_OPEN && !isStamped(content, fd)) {
        if (content.sizeBytes() > maxVerifyBytes) {
          verifyLater(content);
          return -1;
        }
        good = verifyNow(content, fd);
      } else {
        good = true;
      }
      return good ? fd : -1;
    } finally {
      if (!good && fd >= 0) {
        LibC.close(fd);
      }
    }
  }

  /** From here on it is not punched any more; noted before anybody gets a descriptor. */
  private static boolean mark(Content content) throws IOException {
    content.lock.lock();
    try {
      if (content.sizeBytes() == 0 || !content.isWhole()) {
        return false;
      }
      if (!content.record().passthrough()) {
        content.store(content.record().handOut());
      }
      return true;
    } finally {
      content.lock.unlock();
    }
  }

  private boolean isStamped(Content content, int fd) throws ErrnoException {
    Stamp stamp = content.record().stamp();
    return stamp.bootId().equals(bootId) && stamp.ctimeNanos() == LibC.fstat(fd).ctimeNanos();
  }

  /** True where every chunk is as it should be, and the file did not change meanwhile. */
  private boolean verifyNow(Content content, int fd) throws IOException {
    FileStat before = LibC.fstat(fd);
    if (verify(content, () -> !closed) < 0) {
      return false;
    }
    content.lock.lock();
    try {
      boolean same = LibC.fstat(fd).ctimeNanos() == before.ctimeNanos();
      if (!content.isWhole() || !same) {
        return false;
      }
      content.store(content.record().verified(new Stamp(before.ctimeNanos(), bootId)));
      return true;
    } finally {
      content.lock.unlock();
    }
  }

  /** Reads all present chunks; how many there were, -1 where it was stopped early. */
  private static long verify(Content content, BooleanSupplier goOn) {
    long checked = 0;
    for (int number = 0; number < Chunks.extents(content.sizeBytes()); number++) {
      for (long rest = content.extent(number).present(); rest != 0; rest &= rest - 1) {
        if (!goOn.getAsBoolean()) {
          return -1;
        }
        if (content.verify(number << 6 | Long.numberOfTrailingZeros(rest))) {
          checked++;
        }
      }
    }
    return checked;
  }

  private void verifyLater(Content content) {
    if (!waiting.add(content.id())) {
      return;
    }
    ContentKey key = content.key();
    long id = content.id();
    try {
      background.execute(() -> {
        try {
          verifyInBackground(key);
        } finally {
          waiting.remove(id);
        }
      });
    } catch (RejectedExecutionException e) {
      waiting.remove(id);
    }
  }

  private void verifyInBackground(ContentKey key) {
    try {
      Content content = contents.openCached(key);
      if (content == null) {
        return;
      }
      try {
        long size = content.sizeBytes();
        int fd = content.directory().files().open(content.id(), size, LibC.O_RDONLY);
        if (fd >= 0) {
          try {
            verifyNow(content, fd);
          } finally {
            LibC.close(fd);
          }
        }
      } finally {
        contents.close(content);
      }
    } catch (IOException e) {
      parts.trouble().note("verifying " + key, e);
    }
  }

  VerifyReport verifyAll(LongConsumer progress, BooleanSupplier goOn) throws IOException {
    long bad = parts.counters().badChunks.sum();
    long lost = parts.counters().lostFiles.sum();
    long seen = 0;
    long chunks = 0;
    boolean whole = true;
    try (Scan scan = parts.index().contentsOf(null)) {
      while (scan.next() && goOn.getAsBoolean()) {
        ContentKey key = BlockIndex.decodeKey(scan.key());
        Content content = key == null ? null : contents.openCached(key);
        if (content == null) {
          continue;
        }
        try {
          long checked = verify(content, goOn);
          whole &= checked >= 0;
          chunks += Math.max(0, checked);
          seen++;
        } finally {
          contents.close(content);
        }
        progress.accept(chunks << Chunks.CHUNK_SHIFT);
      }
    }
    if (whole && goOn.getAsBoolean()) {
      parts.index().trusted();
    }
    return new VerifyReport(
        seen,
        chunks,
        chunks << Chunks.CHUNK_SHIFT,
        parts.counters().badChunks.sum() - bad,
        parts.counters().lostFiles.sum() - lost);
  }

  void close() {
    closed = true;
    background.shutdown();
  }
}
