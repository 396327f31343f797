package io.tiermount.fs.tree;

import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.read.ReadAhead;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * One open of a file, from OPEN to RELEASE. What it reads changes once at most: when somebody
 * begins to write the file, from the version it was opened on to the data file of the writer.
 */
public final class FileHandle {
  /** What is read, with what watches the reads. */
  public record Source(ReadableFile file, ReadAhead readAhead) {
    static Source of(ReadableFile file, int blockBytes) {
      return new Source(file, new ReadAhead(file, blockBytes));
    }
  }

  private final long id;
  private final Node node;
  private final boolean writable;
  private final int blockBytes;
  private final List<ReadableFile> former = new CopyOnWriteArrayList<>();
  private volatile Source source;

  /** Where it is written down; negative where it is not. */
  private volatile int slot = -1;

  /**
   * @param id what the kernel sends back as its file handle
   * @param blockBytes the cache's block
   */
  public FileHandle(long id, Node node, ReadableFile file, int blockBytes, boolean writable) {
    this.id = id;
    this.node = node;
    this.writable = writable;
    this.blockBytes = blockBytes;
    this.source = Source.of(file, blockBytes);
  }

  public long id() {
    return id;
  }

  public Node node() {
    return node;
  }

  /** It was opened for writing. */
  public boolean isWritable() {
    return writable;
  }

  public Source source() {
    return source;
  }

  int slot() {
    return slot;
  }

  void slot(int written) {
    slot = written;
  }

  /** Reads from another file from here on; reads of the one before may still be under way. */
  void switchTo(ReadableFile file) {
    former.add(source.file());
    source = Source.of(file, blockBytes);
  }

  /** Gives back what it read. */
  public void close() {
    source.file().close();
    former.forEach(ReadableFile::close);
  }
}
