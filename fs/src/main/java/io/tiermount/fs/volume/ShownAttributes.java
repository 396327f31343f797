package io.tiermount.fs.volume;

import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.Entrance;
import io.tiermount.fs.tree.Node;
import org.jspecify.annotations.Nullable;

/** How stat(2) shows what is known: the object's own metadata, else the mount's configuration. */
final class ShownAttributes {
  private static final int BLOCK_BYTES = 4096;

  private final VolumeOptions options;
  private final AccessOptions access;
  private final Entrance entrance;

  /** What has no time of its own. */
  private final long startedAtNanos;

  ShownAttributes(VolumeOptions options, AccessOptions access, long startedAtNanos) {
    this.options = options;
    this.access = access;
    this.entrance = Entrance.of(access, options.owner(), options.group());
    this.startedAtNanos = startedAtNanos;
  }

  Attributes of(Node node, Facts known) {
    PosixMetadata posix = known.posix() == null ? PosixMetadata.NONE : known.posix();
    int type = known.directory() ? Attributes.S_IFDIR : Attributes.S_IFREG;
    int permissions = known.directory() ? options.dirMode() : options.fileMode();
    Integer mode = posix.mode();
    if (mode != null) {
      permissions = mode & 07777;
      if (!known.directory() && (mode & Attributes.S_IFMT) != 0) {
        type = mode & Attributes.S_IFMT;
      }
    }
    long modified = known.modifiedNanos() != 0 ? known.modifiedNanos() : startedAtNanos;
    long mtime = or(posix.mtimeNanos(), modified);
    long size = known.directory() ? BLOCK_BYTES : known.sizeBytes();
    boolean root = node.parent() == null;
    return new Attributes(
        node.ino(),
        type | (root ? entrance.mode() : permissions),
        node.isUnlinked() ? 0 : 1,
        root
            ? entrance.uid()
            : posix.uid() == null ? options.owner() : access.shownUid(posix.uid()),
        root
            ? entrance.gid()
            : posix.gid() == null ? options.group() : access.shownGid(posix.gid()),
        posix.rdev() != null ? posix.rdev() : 0,
        size,
        (size + 511) / 512,
        BLOCK_BYTES,
        or(posix.atimeNanos(), mtime),
        mtime,
        or(posix.ctimeNanos(), mtime));
  }

  private static long or(@Nullable Long value, long otherwise) {
    return value != null ? value : otherwise;
  }
}
