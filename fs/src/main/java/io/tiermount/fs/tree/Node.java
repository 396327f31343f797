package io.tiermount.fs.tree;

import io.tiermount.backends.Version;
import org.jspecify.annotations.Nullable;

/**
 * One inode of a mount: a number the kernel uses and the name it stands for. There is one object a
 * number while anybody holds it ({@link Nodes}).
 */
public final class Node {
  private final long id;
  private final long ino;
  private final @Nullable Node parent;
  private final String name;
  private final String segment;
  private volatile @Nullable Object attachment;
  private volatile @Nullable Version pages;

  Node(long id, long ino, @Nullable Node parent, String name, String segment) {
    this.id = id;
    this.ino = ino;
    this.parent = parent;
    this.name = name;
    this.segment = segment;
  }

  /** The number in the node table; the kernel knows the root as 1 ({@link Nodes#kernelId}). */
  public long id() {
    return id;
  }

  /** st_ino. */
  public long ino() {
    return ino;
  }

  /** Null for the root alone. */
  public @Nullable Node parent() {
    return parent;
  }

  /** As the directory shows it. */
  public String name() {
    return name;
  }

  /** The part of the key it stands for. */
  public String segment() {
    return segment;
  }

  /** What the volume keeps with an inode (what it knows of it); null for nothing. */
  public @Nullable Object attachment() {
    return attachment;
  }

  /** Replaces it. */
  public void attach(@Nullable Object newAttachment) {
    attachment = newAttachment;
  }

  /** The version the kernel's page cache of this inode may hold pages of; null for none. */
  @Nullable Version pages() {
    return pages;
  }

  void pages(@Nullable Version version) {
    pages = version;
  }

  /** For messages: the path below the mount. */
  public String path() {
    return parent == null ? "" : parent.parent == null ? name : parent.path() + "/" + name;
  }

  @Override
  public String toString() {
    return id + ":" + path();
  }
}
