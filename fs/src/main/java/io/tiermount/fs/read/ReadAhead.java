package io.tiermount.fs.read;

import io.tiermount.fs.cache.ReadableFile;
import org.jspecify.annotations.Nullable;

/**
 * Watches the reads of one open file and fetches what will be read next. Several streams are told
 * apart (readers of one descriptor at different places); each grows while it is right, doubling
 * from one block to {@link #MAX_WINDOW_BYTES}, and a read that fits no stream starts a new one in
 * the place of the one used longest ago. Reads that fit none are random and fetch chunks alone.
 *
 * <p>The kernel's own read-ahead sends the reads of one stream from several threads and a little
 * out of order: whatever lies within {@link #SLACK_BYTES} of where a stream stands belongs to it.
 */
public final class ReadAhead {
  private static final int STREAMS = 4;

  /** Two of the kernel's own windows. */
  private static final long SLACK_BYTES = 2L << 20;

  /** Enough for 400 MiB/s at 10 ms and more; the cache bounds what is really in flight. */
  private static final long MAX_WINDOW_BYTES = 32L << 20;

  private final ReadableFile file;
  private final int blockBytes;
  private final Stream[] streams = new Stream[STREAMS];
  private long clock;

  public ReadAhead(ReadableFile file, int blockBytes) {
    this.file = file;
    this.blockBytes = blockBytes;
    for (int i = 0; i < STREAMS; i++) {
      streams[i] = new Stream();
    }
    // A file is mostly read from its beginning.
    streams[0].end = 0;
    streams[0].used = ++clock;
  }

  /**
   * Tells of a read, before it is served.
   *
   * @return true where it belongs to no stream: fetch no more than it asks for
   */
  public boolean read(long offsetBytes, int sizeBytes) {
    long from;
    long to;
    boolean random;
    synchronized (this) {
      Stream stream = find(offsetBytes);
      random = stream == null;
      if (stream == null) {
        stream = oldest();
        stream.restart(offsetBytes + sizeBytes);
        stream.used = ++clock;
        return true;
      }
      stream.used = ++clock;
      stream.advance(offsetBytes + sizeBytes, blockBytes);
      from = Math.max(stream.fetched, stream.end);
      to = Math.min(stream.end + stream.windowBytes, file.sizeBytes());
      // In whole blocks, and not for every read: only when half of the window has been used up.
      if (from >= to || (to - from < stream.windowBytes / 2 && to < file.sizeBytes())) {
        return false;
      }
      stream.fetched = to;
    }
    file.prefetch(from, to - from);
    return random;
  }

  private @Nullable Stream find(long offsetBytes) {
    for (Stream stream : streams) {
      if (stream.used > 0
          && offsetBytes <= stream.end + SLACK_BYTES
          && offsetBytes >= stream.end - SLACK_BYTES) {
        return stream;
      }
    }
    return null;
  }

  private Stream oldest() {
    Stream oldest = streams[0];
    for (Stream stream : streams) {
      if (stream.used < oldest.used) {
        oldest = stream;
      }
    }
    return oldest;
  }

  /** Where one reader stands. */
  private static final class Stream {
    /** Behind the furthest byte read. */
    private long end;

    /** Behind the furthest byte asked for ahead. */
    private long fetched;

    private long windowBytes;
    private long used;

    private void restart(long newEnd) {
      end = newEnd;
      fetched = 0;
      windowBytes = 0;
    }

    private void advance(long newEnd, int blockBytes) {
      if (newEnd > end) {
        windowBytes =
            windowBytes == 0
                ? blockBytes
                : newEnd / blockBytes > end / blockBytes
                    ? Math.min(windowBytes * 2, MAX_WINDOW_BYTES)
                    : windowBytes;
        end = newEnd;
      }
    }
  }
}
