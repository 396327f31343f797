package io.tiermount.fs.fuse.libfuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.fs.fuse.DirectoryWriter;
import io.tiermount.fs.fuse.Names;
import io.tiermount.fs.fuse.NodeEntry;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Gives entries to libfuse's fuse_fill_dir_t, which knows how large the caller's buffer is. With an
 * offset for each, libfuse keeps nothing of the directory.
 */
// Restricted: calling native code is what this class is for.
@SuppressWarnings("restricted")
final class FillDirectoryWriter implements DirectoryWriter {
  private static final MethodHandle FILL =
      Linker.nativeLinker()
          .downcallHandle(
              FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
  private static final int DIRENT_BYTES = 24;
  private static final int NAME_BYTES = 1024;

  private final Exchange exchange;
  private final MemorySegment function;
  private final long buffer;
  private final MemorySegment stat;
  private final MemorySegment name;
  private int sizeBytes;

  FillDirectoryWriter(Exchange exchange, long function, long buffer) {
    this.exchange = exchange;
    this.function = MemorySegment.ofAddress(function);
    this.buffer = buffer;
    MemorySegment memory = Arena.ofAuto().allocate(StatLayout.SIZE_BYTES + NAME_BYTES, 8);
    this.stat = memory.asSlice(0, StatLayout.SIZE_BYTES);
    this.name = memory.asSlice(StatLayout.SIZE_BYTES);
  }

  @Override
  public boolean add(String entryName, long ino, int type, long cookie) {
    byte[] bytes = Names.encode(entryName);
    if (bytes.length >= NAME_BYTES) {
      throw new IllegalArgumentException("a name of " + bytes.length + " bytes");
    }
    MemorySegment.copy(bytes, 0, name, JAVA_BYTE, 0, bytes.length);
    name.set(JAVA_BYTE, bytes.length, (byte) 0);
    StatLayout.writeType(stat, ino, type);
    boolean taken = exchange.whileWaiting(() -> fill(cookie));
    if (taken) {
      sizeBytes += (DIRENT_BYTES + bytes.length + 7) & -8;
    }
    return taken;
  }

  private boolean fill(long cookie) {
    try {
      return (int) FILL.invokeExact(function, buffer, name.address(), stat.address(), cookie) == 0;
    } catch (Throwable e) {
      throw NativeFuse.unexpected(e);
    }
  }

  /** There is no READDIRPLUS; the entry goes without its attributes, and nothing is looked up. */
  @Override
  public boolean addPlus(String entryName, NodeEntry entry, long cookie) {
    throw new IllegalStateException("libfuse 2 has no READDIRPLUS: the request did not ask for it");
  }

  @Override
  public int sizeBytes() {
    return sizeBytes;
  }
}
