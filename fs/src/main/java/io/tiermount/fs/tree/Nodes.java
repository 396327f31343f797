package io.tiermount.fs.tree;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.tiermount.fs.meta.Batch;
import io.tiermount.fs.meta.KeyValue;
import io.tiermount.fs.meta.MetaException;
import io.tiermount.fs.meta.Scan;
import io.tiermount.fs.meta.StateColumn;
import io.tiermount.fs.meta.StateStore;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The node table of one mount: number ↔ (parent, name), on disk in {@code state/} so that numbers
 * mean the same after a restart, and the kernel's lookup counts. In memory there is one {@link
 * Node} a number while anybody holds it, and the ones used lately; a kernel that holds millions of
 * nodes costs a counter each. Safe from any thread.
 *
 * <p>Numbers are given once in the life of a cache directory, over all its mounts. Node 1 is what
 * the kernel calls each mount's root; the root's own number in the table is another.
 */
public final class Nodes {
  private static final long KERNEL_ROOT = 1;

  /** Kept in memory beyond those in use, names resolved and nodes. */
  private static final int KEPT = 50_000;

  private final StateStore state;
  private final KeyValue nodes;
  private final KeyValue names;
  private final NodeIds ids;
  private final LookupCounts counts = new LookupCounts();
  private final Cache<Long, Node> byId = Caffeine.newBuilder().weakValues().build();
  private final Cache<Name, Node> byName = Caffeine.newBuilder().maximumSize(KEPT).build();
  private final ReentrantLock[] creation = new ReentrantLock[64];
  private final Node root;
  private volatile Predicate<Node> kept = _ -> false;

  private record Name(long parent, String name) {}

  /**
   * Opens the table of one mount.
   *
   * @param scope tells mounts apart: the source and prefix they show
   * @param rootIno st_ino of the root
   */
  public Nodes(StateStore state, NodeIds ids, String scope, long rootIno) throws MetaException {
    this.state = state;
    this.ids = ids;
    this.nodes = state.column(StateColumn.NODES);
    this.names = state.column(StateColumn.NAMES);
    for (int i = 0; i < creation.length; i++) {
      creation[i] = new ReentrantLock();
    }
    byte[] key = nameKey(0, scope);
    byte[] known = names.get(key);
    long id;
    if (known == null) {
      id = ids.next();
      names.put(key, KeyValue.key(id));
    } else {
      id = ByteBuffer.wrap(known).getLong();
    }
    root = new Node(id, rootIno, null, "", "");
  }

  /** The mount's top directory. */
  public Node root() {
    return root;
  }

  /** The number the kernel knows a node by. */
  public long kernelId(Node node) {
    return node == root ? KERNEL_ROOT : node.id();
  }

  /**
   * The node of a number the kernel sent; null where there is none (the kernel then gets ESTALE).
   *
   * @throws MetaException where the table can't be read
   */
  public @Nullable Node byKernelId(long id) throws MetaException {
    if (id == KERNEL_ROOT || id == root.id()) {
      return root;
    }
    Node node = byId.getIfPresent(id);
    return node != null ? node : load(id);
  }

  private @Nullable Node load(long id) throws MetaException {
    byte[] record = nodes.get(id);
    if (record == null) {
      return null;
    }
    ByteBuffer in = ByteBuffer.wrap(record);
    long ino = in.getLong();
    Node parent = byKernelId(in.getLong());
    if (parent == null) {
      return null;
    }
    String name = text(in);
    String segment = in.hasRemaining() ? text(in) : name;
    return unique(new Node(id, ino, parent, name, segment));
  }

  private Node unique(Node node) {
    Node known = byId.asMap().putIfAbsent(node.id(), node);
    return known == null ? node : known;
  }

  /** The node a name has now, from memory or the table; null where it was never seen. */
  public @Nullable Node child(Node parent, String name) throws MetaException {
    Node node = byName.getIfPresent(new Name(parent.id(), name));
    if (node != null) {
      return node;
    }
    byte[] id = names.get(nameKey(parent.id(), name));
    if (id == null) {
      return null;
    }
    node = byKernelId(ByteBuffer.wrap(id).getLong());
    if (node != null) {
      byName.put(new Name(parent.id(), name), node);
    }
    return node;
  }

  /** The node a name has, made where it is new. */
  public Node childOrNew(Node parent, String name, String segment, long ino) throws MetaException {
    Node known = child(parent, name);
    if (known != null) {
      return known;
    }
    ReentrantLock lock = creationLock(parent, name);
    lock.lock();
    try {
      known = child(parent, name);
      return known != null ? known : create(parent, name, segment, ino);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives a name a new node with the same st_ino, where it still has {@code old}; the old one keeps
   * its number for those that hold it. Returns the node the name has now.
   */
  public Node renew(Node old) throws MetaException {
    Node parent = old.parent();
    if (parent == null) {
      return old;
    }
    ReentrantLock lock = creationLock(parent, old.name());
    lock.lock();
    try {
      Node current = child(parent, old.name());
      return current == old || current == null
          ? create(parent, old.name(), old.segment(), old.ino())
          : current;
    } finally {
      lock.unlock();
    }
  }

  /** True while the name still leads to this node. */
  public boolean isCurrent(Node node) throws MetaException {
    Node parent = node.parent();
    return parent == null || child(parent, node.name()) == node;
  }

  private Node create(Node parent, String name, String segment, long ino) throws MetaException {
    return create(parent, name, segment, ino, Also.NOTHING);
  }

  /** What else is written in the same batch as a change of the table. */
  public interface Also {
    Also NOTHING = (_, _) -> {};

    void write(Batch batch, Node node) throws MetaException;
  }

  /**
   * Makes a node for a name that somebody creates here: also where the name had one before, which
   * keeps its number and loses the name.
   */
  public Node createLocal(Node parent, String name, String segment, long ino, Also also)
      throws MetaException {
    ReentrantLock lock = creationLock(parent, name);
    lock.lock();
    try {
      return create(parent, name, segment, ino, also);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Moves a node to another name, which another node may have had; one batch. Callers do so one at
   * a time.
   */
  public void move(Node node, Node newParent, String newName, String newSegment, Also also)
      throws MetaException {
    Node oldParent = node.parent();
    if (oldParent == null) {
      throw new IllegalArgumentException("the root has no name");
    }
    String oldName = node.name();
    byte[] record = record(node.ino(), newParent, newName, newSegment);
    state.batch(
        StateStore.Durability.KILL,
        batch -> {
          batch.delete(names, nameKey(oldParent.id(), oldName));
          batch.put(names, nameKey(newParent.id(), newName), KeyValue.key(node.id()));
          batch.put(nodes, KeyValue.key(node.id()), record);
          also.write(batch, node);
        });
    byName.invalidate(new Name(oldParent.id(), oldName));
    node.moveTo(newParent, newName, newSegment);
    byName.put(new Name(newParent.id(), newName), node);
  }

  /** Takes a name away from its node; the node stays for those who hold it. One batch. */
  public void unlink(Node node, Also also) throws MetaException {
    Node parent = node.parent();
    if (parent == null) {
      throw new IllegalArgumentException("the root has no name");
    }
    state.batch(
        StateStore.Durability.KILL,
        batch -> {
          batch.delete(names, nameKey(parent.id(), node.name()));
          also.write(batch, node);
        });
    byName.invalidate(new Name(parent.id(), node.name()));
    node.unlinked(true);
  }

  /** The node of a number of the table (not the kernel's); null where there is none. */
  public @Nullable Node byId(long id) throws MetaException {
    return byKernelId(id);
  }

  /** The nodes of all names seen in a directory. */
  public List<Long> childIds(long dirId) throws MetaException {
    List<Long> ids = new ArrayList<>();
    try (Scan scan = names.scan(KeyValue.key(dirId))) {
      while (scan.next()) {
        ids.add(ByteBuffer.wrap(scan.value()).getLong());
      }
    }
    return ids;
  }

  /** st_ino of a name whose node is in memory; 0 where it is not. */
  public long knownIno(Node parent, String name) {
    Node node = byName.getIfPresent(new Name(parent.id(), name));
    return node == null ? 0 : node.ino();
  }

  private static byte[] record(long ino, Node parent, String name, String segment) {
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    byte[] segmentBytes =
        segment.equals(name) ? new byte[0] : segment.getBytes(StandardCharsets.UTF_8);
    ByteBuffer record =
        ByteBuffer.allocate(
                2 * Long.BYTES + 2 * Short.BYTES + nameBytes.length + segmentBytes.length)
            .putLong(ino)
            .putLong(parent.id())
            .putShort((short) nameBytes.length)
            .put(nameBytes);
    if (!segment.equals(name)) {
      record.putShort((short) segmentBytes.length).put(segmentBytes);
    }
    byte[] bytes = new byte[record.position()];
    record.get(0, bytes);
    return bytes;
  }

  private Node create(Node parent, String name, String segment, long ino, Also also)
      throws MetaException {
    long id = ids.next();
    byte[] bytes = record(ino, parent, name, segment);
    Node node = unique(new Node(id, ino, parent, name, segment));
    state.batch(
        StateStore.Durability.KILL,
        batch -> {
          batch.put(nodes, KeyValue.key(id), bytes);
          batch.put(names, nameKey(parent.id(), name), KeyValue.key(id));
          also.write(batch, node);
        });
    byName.put(new Name(parent.id(), name), node);
    return node;
  }

  private ReentrantLock creationLock(Node parent, String name) {
    int hash = Long.hashCode(parent.id()) * 31 + name.hashCode();
    return creation[(hash ^ (hash >>> 16)) & (creation.length - 1)];
  }

  /** The kernel was told of a node once more. */
  public void remember(Node node) {
    if (node != root) {
      counts.add(node.id(), 1);
    }
  }

  /** The kernel forgot a node so many times; a node without lookups that has no name goes. */
  public void forget(long kernelId, long lookups) throws MetaException {
    if (kernelId == KERNEL_ROOT || counts.remove(kernelId, lookups) > 0) {
      return;
    }
    Node node = byId.getIfPresent(kernelId);
    if (node != null && !isCurrent(node) && !kept.test(node)) {
      nodes.delete(kernelId);
    }
  }

  /** Nodes that somebody else needs, lookups or not. */
  public void keep(Predicate<Node> needed) {
    kept = needed;
  }

  /** Nodes the kernel holds now. */
  public long held() {
    return counts.nodes();
  }

  private static String text(ByteBuffer in) {
    byte[] bytes = new byte[in.getShort() & 0xFFFF];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static byte[] nameKey(long parent, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + bytes.length).putLong(parent).put(bytes).array();
  }
}
