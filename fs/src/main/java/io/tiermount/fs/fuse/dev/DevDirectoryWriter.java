package io.tiermount.fs.fuse.dev;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tiermount.fs.fuse.DirectoryWriter;
import io.tiermount.fs.fuse.Names;
import io.tiermount.fs.fuse.NodeEntry;
import java.lang.foreign.MemorySegment;

/** fuse_dirent and fuse_direntplus records, each padded to 8 bytes, in a payload. */
final class DevDirectoryWriter implements DirectoryWriter {
  private final MemorySegment payload;
  private final int limitBytes;
  private final boolean plus;
  private int sizeBytes;

  DevDirectoryWriter(MemorySegment payload, int limitBytes, boolean plus) {
    this.payload = payload;
    this.limitBytes = limitBytes;
    this.plus = plus;
  }

  @Override
  public boolean add(String name, long ino, int type, long cookie) {
    byte[] bytes = Names.encode(name);
    int entryBytes = plus ? FuseWire.ENTRY_BYTES : 0;
    if (!fits(entryBytes, bytes)) {
      return false;
    }
    // The buffer is used again and again: node id 0 has to be said.
    payload.asSlice(sizeBytes, entryBytes).fill((byte) 0);
    sizeBytes += entryBytes;
    dirent(bytes, ino, type, cookie);
    return true;
  }

  @Override
  public boolean addPlus(String name, NodeEntry entry, long cookie) {
    if (!plus) {
      throw new IllegalStateException("addPlus in the answer to a plain READDIR: " + name);
    }
    byte[] bytes = Names.encode(name);
    if (!fits(FuseWire.ENTRY_BYTES, bytes)) {
      return false;
    }
    ReplyEncoder.entry(payload, sizeBytes, entry);
    sizeBytes += FuseWire.ENTRY_BYTES;
    dirent(bytes, entry.attributes().ino(), entry.attributes().mode(), cookie);
    return true;
  }

  @Override
  public int sizeBytes() {
    return sizeBytes;
  }

  private boolean fits(int entryBytes, byte[] name) {
    return sizeBytes + entryBytes + padded(name) <= limitBytes;
  }

  private static int padded(byte[] name) {
    return (FuseWire.DIRENT_BYTES + name.length + 7) & ~7;
  }

  private void dirent(byte[] name, long ino, int mode, long cookie) {
    payload.set(JAVA_LONG, sizeBytes, ino);
    payload.set(JAVA_LONG, sizeBytes + 8L, cookie);
    payload.set(JAVA_INT, sizeBytes + 16L, name.length);
    payload.set(JAVA_INT, sizeBytes + 20L, (mode >>> 12) & 0xF); // DT_* is S_IF* shifted
    long at = sizeBytes + (long) FuseWire.DIRENT_BYTES;
    MemorySegment.copy(name, 0, payload, JAVA_BYTE, at, name.length);
    int end = sizeBytes + padded(name);
    payload.asSlice(at + name.length, end - at - name.length).fill((byte) 0);
    sizeBytes = end;
  }
}
