package io.tiermount.fs.fuse;

import io.tiermount.backends.os.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A file system in memory for tests of transports: directories, files, symlinks and extended
 * attributes, built before the mount and read through it; files may also be overwritten in place.
 * Everything else answers EROFS, or what a {@link Hook} says. Safe for concurrent requests as long
 * as the tree is not built on meanwhile.
 */
public final class MemoryTree implements FuseHandler {
  private static final long SECOND = 1_000_000_000L;
  private static final long TTL_NANOS = 60 * SECOND;

  /** Looks at each request first. */
  public interface Hook {
    /** True where it has taken (or will take) care of the answer. */
    boolean takes(FuseRequest request, Replier replier);
  }

  /** One inode. Its content may be replaced at any time; the kernel is told by the test. */
  public static final class Node {
    private final long id;
    private final int mode;
    private final Map<String, Node> children = new LinkedHashMap<>();
    private final Map<String, byte[]> xattrs = new LinkedHashMap<>();
    private final AtomicLong lookups = new AtomicLong();
    private volatile byte[] content = new byte[0];

    private Node(long id, int mode) {
      this.id = id;
      this.mode = mode;
    }

    public long id() {
      return id;
    }

    public byte[] content() {
      return content;
    }

    public void content(byte[] replacement) {
      content = replacement;
    }

    /** Sets an extended attribute. */
    public Node xattr(String name, byte[] value) {
      xattrs.put(name, value);
      return this;
    }

    public Attributes attributes() {
      return new Attributes(
          id,
          mode,
          1,
          0,
          0,
          0,
          content.length,
          (content.length + 511L) / 512,
          4096,
          1_500_000_000L * SECOND + 1,
          1_600_000_000L * SECOND + 2,
          1_700_000_000L * SECOND + 3);
    }
  }

  private final ConcurrentMap<Long, Node> nodes = new ConcurrentHashMap<>();
  private final ConcurrentMap<Long, List<Map.Entry<String, Node>>> openDirectories =
      new ConcurrentHashMap<>();
  private final AtomicLong nextHandle = new AtomicLong(1);
  private final AtomicInteger destroyed = new AtomicInteger();
  private final CountDownLatch gone = new CountDownLatch(1);
  private final Node root = new Node(1, Attributes.S_IFDIR | 0755);
  private volatile Hook hook = (_, _) -> false;

  public MemoryTree() {
    nodes.put(1L, root);
  }

  /** A directory; its parents are made too. */
  public Node directory(String path) {
    Node node = root;
    for (String name : path.split("/", -1)) {
      if (!name.isEmpty()) {
        Node parent = node;
        Node child = parent.children.get(name);
        node = child != null ? child : add(parent, name, Attributes.S_IFDIR | 0755);
      }
    }
    return node;
  }

  /** A file. */
  public Node file(String path, byte[] content) {
    Node node = make(path, Attributes.S_IFREG | 0644);
    node.content = content;
    return node;
  }

  /** A symbolic link. */
  public Node symlink(String path, String target) {
    Node node = make(path, Attributes.S_IFLNK | 0777);
    node.content = target.getBytes(StandardCharsets.UTF_8);
    return node;
  }

  /** Takes a name away, as if another node of the cluster had. */
  public void remove(String path) {
    int slash = path.lastIndexOf('/');
    directory(path.substring(0, slash + 1)).children.remove(path.substring(slash + 1));
  }

  /** Sees every request before the tree does. */
  public void hook(Hook newHook) {
    hook = newHook;
  }

  /** Sum of what LOOKUP and READDIRPLUS counted up and FORGET down, the root left out. */
  public long lookupCount() {
    return nodes.values().stream()
        .filter(node -> node != root)
        .mapToLong(node -> node.lookups.get())
        .sum();
  }

  public int timesDestroyed() {
    return destroyed.get();
  }

  /** Opens once the transport says that the mount is gone. */
  public CountDownLatch gone() {
    return gone;
  }

  @Override
  public void destroyed() {
    destroyed.incrementAndGet();
    gone.countDown();
  }

  private Node make(String path, int mode) {
    int slash = path.lastIndexOf('/');
    return add(directory(path.substring(0, slash + 1)), path.substring(slash + 1), mode);
  }

  private Node add(Node parent, String name, int mode) {
    Node node = new Node(nodes.size() + 1L, mode);
    nodes.put(node.id, node);
    parent.children.put(name, node);
    return node;
  }

  @Override
  public void handle(FuseRequest request, Replier replier) {
    if (hook.takes(request, replier)) {
      return;
    }
    answer(request, replier);
  }

  /** The tree's own answer; for hooks that only want it to come later or from elsewhere. */
  public void answer(FuseRequest request, Replier replier) {
    Node node = nodes.get(request.nodeId());
    if (node == null) {
      replier.fail(Errno.ESTALE);
      return;
    }
    switch (request) {
      case FuseRequest.Lookup lookup -> lookup(node, lookup.name(), replier);
      case FuseRequest.Forget forget -> node.lookups.addAndGet(-forget.lookups());
      case FuseRequest.GetAttr _, FuseRequest.SetAttr _ ->
          replier.reply(new FuseReply.Attr(node.attributes(), TTL_NANOS));
      case FuseRequest.ReadLink _ -> replier.reply(new FuseReply.Bytes(node.content));
      case FuseRequest.Open _ ->
          replier.reply(opened(nextHandle.getAndIncrement(), FuseReply.OpenFile.KEEP_CACHE));
      case FuseRequest.Read read -> read(node, read, replier);
      case FuseRequest.Write write -> write(node, write, replier);
      case FuseRequest.StatFs _ ->
          replier.reply(new FuseReply.FsStats(1000, 400, 100, 50, 4096, 255));
      case FuseRequest.GetXattr get -> getXattr(node, get, replier);
      case FuseRequest.ListXattr list -> listXattr(node, list, replier);
      case FuseRequest.OpenDir _ -> {
        long handle = nextHandle.getAndIncrement();
        openDirectories.put(handle, new ArrayList<>(node.children.entrySet()));
        replier.reply(opened(handle, 0));
      }
      case FuseRequest.ReadDir readDir -> readDirectory(readDir, replier);
      case FuseRequest.ReleaseDir release -> {
        openDirectories.remove(release.handle());
        replier.reply(FuseReply.DONE);
      }
      case FuseRequest.Release _,
          FuseRequest.Flush _,
          FuseRequest.FSync _,
          FuseRequest.FSyncDir _,
          FuseRequest.SyncFs _,
          FuseRequest.Access _ ->
          replier.reply(FuseReply.DONE);
      case FuseRequest.Symlink _,
          FuseRequest.MkNod _,
          FuseRequest.MkDir _,
          FuseRequest.Unlink _,
          FuseRequest.RmDir _,
          FuseRequest.Rename _,
          FuseRequest.Link _,
          FuseRequest.Create _,
          FuseRequest.TmpFile _,
          FuseRequest.SetXattr _,
          FuseRequest.RemoveXattr _ ->
          replier.fail(Errno.EROFS);
      case FuseRequest.Fallocate _, FuseRequest.CopyFileRange _ -> replier.fail(Errno.EOPNOTSUPP);
      case FuseRequest.LSeek _, FuseRequest.Unknown _ -> replier.fail(Errno.ENOSYS);
    }
  }

  private static FuseReply opened(long handle, int flags) {
    return new FuseReply.Opened(new FuseReply.OpenFile(handle, flags, null));
  }

  private static NodeEntry entry(Node node) {
    return new NodeEntry(node.id, 0, TTL_NANOS, TTL_NANOS, node.attributes());
  }

  private static void lookup(Node parent, String name, Replier replier) {
    Node child = parent.children.get(name);
    if (child == null) {
      replier.fail(Errno.ENOENT);
      return;
    }
    child.lookups.incrementAndGet();
    if (!replier.reply(new FuseReply.Entry(entry(child)))) {
      child.lookups.decrementAndGet();
    }
  }

  private static void read(Node node, FuseRequest.Read read, Replier replier) {
    byte[] content = node.content;
    int sizeBytes =
        (int) Math.clamp(content.length - read.offsetBytes(), 0L, (long) read.sizeBytes());
    MemorySegment target = replier.payload(read.sizeBytes());
    if (sizeBytes > 0) {
      MemorySegment.copy(
          content, (int) read.offsetBytes(), target, ValueLayout.JAVA_BYTE, 0, sizeBytes);
    }
    replier.reply(new FuseReply.Payload(sizeBytes));
  }

  /** Within the file's size only. */
  private static void write(Node node, FuseRequest.Write write, Replier replier) {
    int sizeBytes = (int) write.data().byteSize();
    if (write.offsetBytes() + sizeBytes > node.content.length) {
      replier.fail(Errno.EFBIG);
      return;
    }
    MemorySegment.copy(
        write.data(), ValueLayout.JAVA_BYTE, 0, node.content, (int) write.offsetBytes(), sizeBytes);
    replier.reply(new FuseReply.Written(sizeBytes));
  }

  private static void getXattr(Node node, FuseRequest.GetXattr get, Replier replier) {
    byte[] value = node.xattrs.get(get.name());
    if (value == null) {
      replier.fail(Errno.ENODATA);
    } else {
      sized(value, get.sizeBytes(), replier);
    }
  }

  private static void listXattr(Node node, FuseRequest.ListXattr list, Replier replier) {
    StringBuilder names = new StringBuilder();
    node.xattrs.keySet().forEach(name -> names.append(name).append('\0'));
    sized(names.toString().getBytes(StandardCharsets.UTF_8), list.sizeBytes(), replier);
  }

  private static void sized(byte[] value, int sizeBytes, Replier replier) {
    if (sizeBytes == 0) {
      replier.reply(new FuseReply.XattrSize(value.length));
    } else if (value.length > sizeBytes) {
      replier.fail(Errno.ERANGE);
    } else {
      replier.reply(new FuseReply.Bytes(value));
    }
  }

  private void readDirectory(FuseRequest.ReadDir request, Replier replier) {
    List<Map.Entry<String, Node>> entries =
        openDirectories.getOrDefault(request.handle(), List.of());
    DirectoryWriter writer = replier.directory(request);
    List<Node> handedOver = new ArrayList<>();
    for (int i = (int) request.offset(); i < entries.size(); i++) {
      Node child = entries.get(i).getValue();
      String name = entries.get(i).getKey();
      boolean fits =
          request.plus()
              ? writer.addPlus(name, entry(child), i + 1L)
              : writer.add(name, child.id, child.mode, i + 1L);
      if (!fits) {
        break;
      }
      if (request.plus()) {
        child.lookups.incrementAndGet();
        handedOver.add(child);
      }
    }
    if (!replier.reply(new FuseReply.Payload(writer.sizeBytes()))) {
      handedOver.forEach(child -> child.lookups.decrementAndGet());
    }
  }

  /** The node behind a path, null where there is none. */
  public @Nullable Node find(String path) {
    Node node = root;
    for (String name : path.split("/", -1)) {
      if (!name.isEmpty() && node != null) {
        node = node.children.get(name);
      }
    }
    return node;
  }
}
