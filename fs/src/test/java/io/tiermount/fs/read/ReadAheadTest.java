package io.tiermount.fs.read;

import static org.assertj.core.api.Assertions.assertThat;

import io.tiermount.fs.cache.ReadableFile;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** SEMANTICS R16: sequential readers are read ahead of, random readers get what they touch. */
final class ReadAheadTest {
  private static final int BLOCK = 4 << 20;
  private static final long SIZE = 256L << 20;

  private final List<long[]> prefetched = new ArrayList<>();
  private final ReadAhead readAhead = new ReadAhead(new Recording(), BLOCK);

  @Test
  void a_sequential_reader_is_read_ahead_of_in_growing_windows() {
    int reads = 0;
    for (long at = 0; at < 64L << 20; at += 128 << 10) {
      assertThat(readAhead.read(at, 128 << 10)).isFalse();
      reads++;
      assertThat(furthest()).isGreaterThan(at + (128 << 10));
    }
    assertThat(prefetched).hasSizeLessThan(reads / 8);
    long[] last = prefetched.getLast();
    assertThat(last[1]).isGreaterThanOrEqualTo(4L * BLOCK);
  }

  @Test
  void a_read_a_little_out_of_order_belongs_to_its_stream() {
    int piece = 128 << 10;
    for (int i = 0; i < 200; i += 2) {
      assertThat(readAhead.read((i + 1L) * piece, piece)).isFalse();
      assertThat(readAhead.read((long) i * piece, piece)).isFalse();
    }
  }

  @Test
  void small_reads_at_random_fetch_next_to_nothing_ahead() {
    Random random = new Random(5);
    int streams = 0;
    for (int i = 0; i < 2000; i++) {
      if (!readAhead.read(random.nextLong(SIZE / 4096) * 4096, 4096)) {
        streams++;
      }
    }
    // Four streams, 128 KiB around each, of 256 MiB: one in 512.
    assertThat(streams).isLessThan(30);
    assertThat(prefetched.stream().mapToLong(range -> range[1]).sum()).isLessThan(30L * BLOCK);
  }

  @Test
  void two_readers_of_one_descriptor_are_two_streams() {
    for (long i = 0; i < 100; i++) {
      boolean one = readAhead.read(i * 65536, 65536);
      boolean other = readAhead.read((128L << 20) + i * 65536, 65536);
      assertThat(one).isFalse();
      assertThat(other).isEqualTo(i == 0);
    }
    assertThat(prefetched).anyMatch(range -> range[0] >= 128L << 20);
    assertThat(prefetched).anyMatch(range -> range[0] < 128L << 20);
  }

  private long furthest() {
    return prefetched.stream().mapToLong(range -> range[0] + range[1]).max().orElse(0);
  }

  private final class Recording implements ReadableFile {
    @Override
    public long sizeBytes() {
      return SIZE;
    }

    @Override
    public boolean isCached(long offsetBytes, int sizeBytes) {
      return false;
    }

    @Override
    public boolean readCached(long offsetBytes, MemorySegment target) {
      return false;
    }

    @Override
    public void read(long offsetBytes, MemorySegment target, boolean random) {}

    @Override
    public void prefetch(long offsetBytes, long lengthBytes) {
      prefetched.add(new long[] {offsetBytes, lengthBytes});
    }

    @Override
    public void close() {}
  }
}
