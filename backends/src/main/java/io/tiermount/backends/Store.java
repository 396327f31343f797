package io.tiermount.backends;

import org.jspecify.annotations.Nullable;

/**
 * Where bytes live. There are two kinds, and they stay apart: objects (here) are immutable versions
 * that are replaced whole, files are changed in place (FileStore joins the permits clause with NFS,
 * its first implementation).
 */
public sealed interface Store extends AutoCloseable permits ObjectStore {
  /** A name for messages, metrics and the cache's keys: the source URL without secrets. */
  String id();

  /**
   * Begins what goes on beside the calls: renewing keys. Asks the store nothing. Without it the
   * calls do all themselves; where it was called, {@link #trouble} is up to date without any.
   */
  default void begin() {}

  /**
   * Why no call can succeed now, as far as is known without asking the store: there are no keys.
   * From memory.
   */
  default @Nullable String trouble() {
    return null;
  }

  /**
   * Proves with others who it is, from the next call on; what is under way ends as it is. Only for
   * a store that takes credentials of their kind.
   */
  default void changeCredentials(Credentials credentials) {
    throw new UnsupportedOperationException(id() + " takes no credentials");
  }

  /** Ends connections and threads. Calls under way fail with {@link StoreException.Kind#CLOSED}. */
  @Override
  void close();
}
