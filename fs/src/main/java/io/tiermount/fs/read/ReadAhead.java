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
 * out of order: whatever lies within {@value #SLACK_READS} of its own sizes (at least {@value
 * #MIN_SLACK_BYTES}, at most {@value #MAX_SLACK_BYTES} bytes) of where a stream stands belongs to
 * it. The kernel reads ahead in large pieces; a small one comes of a program that does not read in
 * order, and with the slack of a large one every sixteenth of them in a file of 256 MiB would look
 * like a stream and fetch a block.
 */
public final class ReadAhead {
  private static final int STREAMS = 4;

  private static final int SLACK_READS = 16;
  private static final long MIN_SLACK_BYTES = 64L << 10;

  /** Two of the kernel's own windows. */
  private static final long MAX_SLACK_BYTES = 2L << 20;

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
      Stream stream = find(offsetBytes, sizeBytes);
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

  private @Nullable Stream find(long offsetBytes, int sizeBytes) {
    long slack = Math.clamp((long) SLACK_READS * sizeBytes, MIN_SLACK_BYTES, MAX_SLACK_BYTES);
    for (Stream stream : streams) {
      if (stream.used > 0
          && offsetBytes <= stream.end + slack
          && offsetBytes >= stream.end - slack) {
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
