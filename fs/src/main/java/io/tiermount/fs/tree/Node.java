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
  private volatile Place place;
  private volatile @Nullable Object attachment;
  private volatile @Nullable Version pages;
  private volatile boolean unlinked;
  private volatile @Nullable String storeKey;

  /** Where a node hangs; replaced whole, so that nobody sees half a rename. */
  private record Place(@Nullable Node parent, String name, String segment) {}

  Node(long id, long ino, @Nullable Node parent, String name, String segment) {
    this.id = id;
    this.ino = ino;
    this.place = new Place(parent, name, segment);
  }

  /** A rename; with the table's lock held. */
  void moveTo(Node newParent, String newName, String newSegment) {
    place = new Place(newParent, newName, newSegment);
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
    return place.parent;
  }

  /** As the directory shows it. */
  public String name() {
    return place.name;
  }

  /** The part of the key it stands for. */
  public String segment() {
    return place.segment;
  }

  /** What the volume keeps with an inode (what it knows of it); null for nothing. */
  public @Nullable Object attachment() {
    return attachment;
  }

  /** Replaces it. */
  public void attach(@Nullable Object newAttachment) {
    attachment = newAttachment;
  }

  /** True once its last name was removed: st_nlink is 0. */
  public boolean isUnlinked() {
    return unlinked;
  }

  /** Its last name is gone, or it has one again. */
  public void unlinked(boolean gone) {
    unlinked = gone;
  }

  /**
   * Where the store has what lies below this directory while a rename of it is still being carried
   * out there; null where that is where its name says.
   */
  public @Nullable String storeKey() {
    return storeKey;
  }

  /** See {@link #storeKey()}. */
  public void storeKey(@Nullable String prefix) {
    storeKey = prefix;
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
    Place now = place;
    Node above = now.parent;
    return above == null ? "" : above.parent() == null ? now.name : above.path() + "/" + now.name;
  }

  @Override
  public String toString() {
    return id + ":" + path();
  }
}
