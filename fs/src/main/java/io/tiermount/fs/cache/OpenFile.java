package io.tiermount.fs.cache;

import io.tiermount.backends.StoreException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/** One opening of a content, with the source it was given. */
final class OpenFile implements CachedFile {
  private final BlockCache cache;
  private final Content content;
  private final BlockSource source;
  private final AtomicBoolean closed = new AtomicBoolean();

  OpenFile(BlockCache cache, Content content, BlockSource source) {
    this.cache = cache;
    this.content = content;
    this.source = source;
  }

  @Override
  public long contentId() {
    return content.id();
  }

  @Override
  public long sizeBytes() {
    return content.sizeBytes();
  }

  @Override
  public boolean isCached(long offsetBytes, int sizeBytes) {
    return content.has(offsetBytes, offsetBytes + sizeBytes);
  }

  @Override
  public boolean readCached(long offsetBytes, MemorySegment target) {
    check(offsetBytes, target);
    return cache.fetcher().readCached(content, offsetBytes, target);
  }

  @Override
  public void read(long offsetBytes, MemorySegment target, boolean random) throws StoreException {
    check(offsetBytes, target);
    cache.fetcher().read(content, source, offsetBytes, target, random);
  }

  private void check(long offsetBytes, MemorySegment target) {
    Objects.checkFromIndexSize(offsetBytes, target.byteSize(), content.sizeBytes());
    if (!target.isNative()) {
      throw new IllegalArgumentException("reads go into native memory");
    }
  }

  @Override
  public void prefetch(long offsetBytes, long lengthBytes) {
    long end = Math.min(content.sizeBytes(), Math.addExact(offsetBytes, lengthBytes));
    if (offsetBytes < end) {
      cache.fetcher().prefetch(content, source, offsetBytes, end);
    }
  }

  @Override
  public boolean isWhole() {
    return content.isWhole();
  }

  @Override
  public int backingFile(long maxVerifyBytes) throws IOException {
    return cache.backingFile(content, maxVerifyBytes);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      cache.close(content);
    }
  }
}
