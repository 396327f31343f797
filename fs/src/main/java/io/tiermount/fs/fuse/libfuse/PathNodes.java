package io.tiermount.fs.fuse.libfuse;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.fuse.Caller;
import io.tiermount.fs.fuse.NodeEntry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * From libfuse's paths to nodes, one LOOKUP a component, with a bounded cache of names that honours
 * their times to live. Counts the lookups of each node, and gives them all back with one FORGET
 * when neither the cache, nor an open file, nor a request under way uses the node any more. Any
 * thread; no lock is held while a request is made.
 */
final class PathNodes {
  static final int MAX_NAMES = 10_000;
  static final long ROOT = 1;

  /** What is asked of the file system. */
  interface Requests {
    NodeEntry lookup(long parent, String name, Caller caller) throws FuseFailure;

    void forget(long nodeId, long lookups);
  }

  /** A node, and who needs it. The root is needed for ever. */
  private static final class Node {
    private final long id;
    private long lookups;
    private int users;

    Node(long id) {
      this.id = id;
    }
  }

  private record Name(long parent, String name) {}

  private record Known(Node node, long expiresNanos) {}

  private record Forget(long nodeId, long lookups) {}

  private final Requests requests;
  private final LongSupplier nanoTime;
  private final int maxNames;
  private final Node root = new Node(ROOT);
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Map<Long, Node> nodes = new HashMap<>();

  @GuardedBy("lock")
  private final LinkedHashMap<Name, Known> names = new LinkedHashMap<>(16, 0.75f, true);

  PathNodes(Requests requests, LongSupplier nanoTime, int maxNames) {
    this.requests = requests;
    this.nanoTime = nanoTime;
    this.maxNames = maxNames;
  }

  /** A node that stays known until this is closed, once, by whoever holds it last. */
  final class Held implements AutoCloseable {
    private final Node node;
    private final @Nullable Attributes fresh;

    private Held(Node node, @Nullable Attributes fresh) {
      this.node = node;
      this.fresh = fresh;
    }

    long id() {
      return node.id;
    }

    /** The attributes, where the name was looked up just now. */
    @Nullable Attributes fresh() {
      return fresh;
    }

    @Override
    public void close() {
      List<Forget> forgets = new ArrayList<>(1);
      synchronized (lock) {
        drop(node, forgets);
      }
      send(forgets);
    }
  }

  /** The node at a path, as "/a/b". */
  Held resolve(String path, Caller caller) throws FuseFailure {
    Held current = new Held(root, null);
    for (int start = 1; start < path.length(); ) {
      int slash = path.indexOf('/', start);
      int end = slash < 0 ? path.length() : slash;
      try (Held parent = current) {
        current = child(parent, path.substring(start, end), caller);
      }
      start = end + 1;
    }
    return current;
  }

  /** The directory of a path's last component. */
  Held parent(String path, Caller caller) throws FuseFailure {
    return resolve(path.substring(0, Math.max(1, path.lastIndexOf('/'))), caller);
  }

  /** A path's last component. */
  static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private Held child(Held parent, String name, Caller caller) throws FuseFailure {
    Name key = new Name(parent.id(), name);
    synchronized (lock) {
      Known known = names.get(key);
      if (known != null && nanoTime.getAsLong() - known.expiresNanos < 0) {
        known.node.users++;
        return new Held(known.node, null);
      }
    }
    return adopt(parent.id(), name, requests.lookup(parent.id(), name, caller));
  }

  /** Takes over the lookup of an entry that the file system answered with. */
  Held adopt(long parent, String name, NodeEntry entry) {
    List<Forget> forgets = new ArrayList<>(1);
    Held held;
    synchronized (lock) {
      Node node = nodes.computeIfAbsent(entry.nodeId(), Node::new);
      node.lookups++;
      node.users++;
      held = new Held(node, entry.attributes());
      if (entry.entryTtlNanos() > 0) {
        node.users++;
        long expires = nanoTime.getAsLong() + entry.entryTtlNanos();
        Known before = names.put(new Name(parent, name), new Known(node, expires));
        drop(before == null ? null : before.node, forgets);
        trim(forgets);
      } else {
        remove(new Name(parent, name), forgets);
      }
    }
    send(forgets);
    return held;
  }

  /** Forgets what a name leads to. */
  void invalidate(long parent, String name) {
    List<Forget> forgets = new ArrayList<>(1);
    synchronized (lock) {
      remove(new Name(parent, name), forgets);
    }
    send(forgets);
  }

  /** Gives back everything; nothing is held any more. */
  void clear() {
    List<Forget> forgets = new ArrayList<>();
    synchronized (lock) {
      names.clear();
      nodes.values().forEach(node -> forgets.add(new Forget(node.id, node.lookups)));
      nodes.clear();
    }
    send(forgets);
  }

  @GuardedBy("lock")
  private void trim(List<Forget> forgets) {
    while (names.size() > maxNames) {
      Map.Entry<Name, Known> eldest = names.pollFirstEntry();
      drop(eldest.getValue().node, forgets);
    }
  }

  @GuardedBy("lock")
  private void remove(Name name, List<Forget> forgets) {
    Known known = names.remove(name);
    drop(known == null ? null : known.node, forgets);
  }

  @GuardedBy("lock")
  private void drop(@Nullable Node node, List<Forget> forgets) {
    if (node == null || node == root) {
      return;
    }
    node.users--;
    if (node.users == 0 && nodes.remove(node.id, node)) {
      forgets.add(new Forget(node.id, node.lookups));
    }
  }

  private void send(List<Forget> forgets) {
    for (Forget forget : forgets) {
      requests.forget(forget.nodeId, forget.lookups);
    }
  }
}
