package io.tiermount.fs;

import io.tiermount.backends.os.Errno;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.FuseRequest;
import io.tiermount.fs.scope.AccessPolicy;
import io.tiermount.fs.scope.Identity;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.Facts;
import io.tiermount.fs.volume.Volume;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Asks the mount's policy, once for each request that opens, makes, removes, moves, links, changes
 * attributes or extended ones, allocates or copies, before anything else is done with it. LOOKUP
 * and GETATTR are not asked for: the kernel answers most of them itself, so they are kept out at
 * the mount's own directory ({@code scope.Entrance}). READ, WRITE and what else names a handle use
 * a right that its OPEN was asked for.
 *
 * <p>Where root is squashed, the kernel still lets root pass all mode bits; so they are looked at
 * here, as of nobody.
 */
final class Gate {
  private static final int READ = 4;
  private static final int WRITE = 2;
  private static final int SEARCH = 1;
  private static final int STICKY = 01000;
  private static final int O_ACCMODE = 3;
  private static final int O_RDONLY = 0;
  private static final int O_WRONLY = 1;
  private static final int O_TRUNC = 01000;

  private final AccessPolicy policy;
  private final Volume volume;
  private final Nodes nodes;

  Gate(AccessPolicy policy, Volume volume, Nodes nodes) {
    this.policy = policy;
    this.volume = volume;
    this.nodes = nodes;
  }

  /** The errno a request is refused with; 0 where it may go on. Asks no store. */
  int refusal(FuseRequest request) throws IOException {
    if (policy.leavesAllToTheKernel() || !isAsked(request)) {
      return 0;
    }
    if (!policy.admits(request.caller())) {
      return Errno.EACCES;
    }
    return policy.isSquashed(request.caller()) ? refusalOfNobody(request) : 0;
  }

  private static boolean isAsked(FuseRequest request) {
    return switch (request) {
      case FuseRequest.Open _,
          FuseRequest.OpenDir _,
          FuseRequest.ReadLink _,
          FuseRequest.Create _,
          FuseRequest.TmpFile _,
          FuseRequest.MkDir _,
          FuseRequest.MkNod _,
          FuseRequest.Symlink _,
          FuseRequest.Unlink _,
          FuseRequest.RmDir _,
          FuseRequest.Rename _,
          FuseRequest.Link _,
          FuseRequest.SetAttr _,
          FuseRequest.SetXattr _,
          FuseRequest.RemoveXattr _,
          FuseRequest.ListXattr _,
          FuseRequest.Fallocate _,
          FuseRequest.CopyFileRange _,
          FuseRequest.Access _ ->
          true;
      // The kernel itself asks for ACLs, in the name of whomever it is about to keep out.
      case FuseRequest.GetXattr r -> !r.name().startsWith("system.posix_acl_");
      case FuseRequest.Lookup _,
          FuseRequest.Forget _,
          FuseRequest.GetAttr _,
          FuseRequest.Read _,
          FuseRequest.Write _,
          FuseRequest.StatFs _,
          FuseRequest.Flush _,
          FuseRequest.Release _,
          FuseRequest.FSync _,
          FuseRequest.ReadDir _,
          FuseRequest.ReleaseDir _,
          FuseRequest.FSyncDir _,
          FuseRequest.LSeek _,
          FuseRequest.SyncFs _,
          FuseRequest.Unknown _ ->
          false;
    };
  }

  // ---- A squashed root

  private int refusalOfNobody(FuseRequest request) throws IOException {
    return switch (request) {
      case FuseRequest.Open r -> access(r.nodeId(), wanted(r.flags()));
      case FuseRequest.OpenDir r -> access(r.nodeId(), READ);
      case FuseRequest.ReadLink r -> access(r.nodeId(), 0);
      case FuseRequest.Access r -> access(r.nodeId(), r.mask() & 7);
      case FuseRequest.GetXattr r -> access(r.nodeId(), READ);
      case FuseRequest.ListXattr r -> access(r.nodeId(), 0);
      case FuseRequest.SetXattr r -> access(r.nodeId(), WRITE);
      case FuseRequest.RemoveXattr r -> access(r.nodeId(), WRITE);
      case FuseRequest.Create r -> access(r.nodeId(), WRITE | SEARCH);
      case FuseRequest.TmpFile r -> access(r.nodeId(), WRITE | SEARCH);
      case FuseRequest.MkDir r -> access(r.nodeId(), WRITE | SEARCH);
      case FuseRequest.MkNod r -> access(r.nodeId(), WRITE | SEARCH);
      case FuseRequest.Symlink r -> access(r.nodeId(), WRITE | SEARCH);
      case FuseRequest.Unlink r -> removal(r.nodeId(), r.name());
      case FuseRequest.RmDir r -> removal(r.nodeId(), r.name());
      case FuseRequest.Rename r -> {
        int from = removal(r.nodeId(), r.name());
        yield from != 0 ? from : removal(r.newParent(), r.newName());
      }
      case FuseRequest.Link r -> {
        int target = access(r.target(), 0);
        yield target != 0 ? target : access(r.nodeId(), WRITE | SEARCH);
      }
      case FuseRequest.SetAttr r -> setAttr(r);
      // These name a handle.
      case FuseRequest.Fallocate _, FuseRequest.CopyFileRange _ -> 0;
      case FuseRequest.Lookup _,
          FuseRequest.Forget _,
          FuseRequest.GetAttr _,
          FuseRequest.Read _,
          FuseRequest.Write _,
          FuseRequest.StatFs _,
          FuseRequest.Flush _,
          FuseRequest.Release _,
          FuseRequest.FSync _,
          FuseRequest.ReadDir _,
          FuseRequest.ReleaseDir _,
          FuseRequest.FSyncDir _,
          FuseRequest.LSeek _,
          FuseRequest.SyncFs _,
          FuseRequest.Unknown _ ->
          0;
    };
  }

  private static int wanted(int flags) {
    int truncating = (flags & O_TRUNC) != 0 ? WRITE : 0;
    return switch (flags & O_ACCMODE) {
      case O_RDONLY -> READ | truncating;
      case O_WRONLY -> WRITE;
      default -> READ | WRITE;
    };
  }

  /** Search permission all the way down, and what is wanted of the node itself. */
  private int access(long nodeId, int wanted) throws IOException {
    Node node = nodes.byKernelId(nodeId);
    if (node == null) {
      return Errno.ESTALE;
    }
    int need = wanted;
    for (Node at = node; at != null; at = at.parent()) {
      Attributes shown = shown(at);
      if (shown == null) {
        return Errno.ESTALE; // The kernel looks it up again.
      }
      if ((need & ~rights(shown)) != 0) {
        return Errno.EACCES;
      }
      need = SEARCH;
    }
    return 0;
  }

  private @Nullable Attributes shown(Node node) throws IOException {
    Facts facts = node.parent() == null ? volume.rootFacts() : FileSystem.attached(node);
    return facts == null ? null : volume.attributes(node, volume.localized(node, facts));
  }

  private static int rights(Attributes shown) {
    int shift = shown.uid() == Identity.NOBODY ? 6 : shown.gid() == Identity.NOBODY ? 3 : 0;
    return shown.mode() >> shift & 7;
  }

  /** A name may go where the directory may be written and is not sticky, or one is the owner. */
  private int removal(long dirId, String name) throws IOException {
    int refusal = access(dirId, WRITE | SEARCH);
    Node dir = nodes.byKernelId(dirId);
    if (refusal != 0 || dir == null) {
      return refusal;
    }
    Attributes directory = shown(dir);
    Node child = nodes.child(dir, name);
    Attributes entry = child == null ? null : shown(child);
    boolean sticky = directory != null && (directory.mode() & STICKY) != 0;
    boolean own =
        (directory != null && directory.uid() == Identity.NOBODY)
            || (entry != null && entry.uid() == Identity.NOBODY);
    return sticky && child != null && !own ? Errno.EPERM : 0;
  }

  /** As setattr_prepare() of fs/attr.c: owners change modes and times, nobody gives files away. */
  private int setAttr(FuseRequest.SetAttr request) throws IOException {
    int valid = request.valid();
    Node node = nodes.byKernelId(request.nodeId());
    Attributes shown = node == null ? null : shown(node);
    if (shown == null) {
      return Errno.ESTALE;
    }
    boolean own = shown.uid() == Identity.NOBODY;
    if ((valid & (FuseRequest.SetAttr.UID | FuseRequest.SetAttr.GID)) != 0) {
      return Errno.EPERM;
    }
    if ((valid & FuseRequest.SetAttr.MODE) != 0 && !own) {
      return Errno.EPERM;
    }
    boolean times = (valid & (FuseRequest.SetAttr.ATIME | FuseRequest.SetAttr.MTIME)) != 0;
    boolean now = (valid & (FuseRequest.SetAttr.ATIME_NOW | FuseRequest.SetAttr.MTIME_NOW)) != 0;
    boolean size = (valid & FuseRequest.SetAttr.SIZE) != 0;
    boolean opened = (valid & FuseRequest.SetAttr.HANDLE) != 0;
    if (times && !now && !size && !own) {
      return Errno.EPERM;
    }
    boolean needsWrite = (size && !opened) || (times && now && !own);
    return access(request.nodeId(), needsWrite ? WRITE : 0);
  }
}
