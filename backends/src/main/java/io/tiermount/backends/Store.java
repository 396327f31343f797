package io.tiermount.backends;

/**
 * Where bytes live. There are two kinds, and they stay apart: objects (here) are immutable versions
 * that are replaced whole, files are changed in place (FileStore joins the permits clause with NFS,
 * its first implementation).
 */
public sealed interface Store extends AutoCloseable permits ObjectStore {
  /** A name for messages, metrics and the cache's keys: the source URL without secrets. */
  String id();

  /** Ends connections and threads. Calls under way fail with {@link StoreException.Kind#CLOSED}. */
  @Override
  void close();
}
