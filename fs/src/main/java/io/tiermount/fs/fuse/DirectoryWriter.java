package io.tiermount.fs.fuse;

/** Collects the entries of one READDIR answer until the caller's buffer is full. */
public interface DirectoryWriter {
  /**
   * Adds an entry; in READDIRPLUS one without attributes (node id 0), which raises no lookup count.
   *
   * @param type S_IF* bits
   * @param cookie what the next READDIR's offset will be if this is the last entry taken
   * @return false where it does not fit; nothing was added
   */
  boolean add(String name, long ino, int type, long cookie);

  /** Adds a resolved entry; its node's lookup count rises by one unless the name is "." or "..". */
  boolean addPlus(String name, NodeEntry entry, long cookie);

  /** Bytes taken so far. */
  int sizeBytes();
}
