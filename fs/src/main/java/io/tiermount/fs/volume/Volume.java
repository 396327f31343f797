package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.fuse.Attributes;
import io.tiermount.fs.tree.Node;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A namespace with attributes and contents over a store. What comes in pairs is asked without
 * waiting first ({@code peek…}: memory and index alone, null where the store must be asked) and
 * then on a virtual thread ({@code resolve…}: blocks). Safe from any thread.
 */
public interface Volume extends AutoCloseable {
  /** How it shows its store. */
  VolumeOptions options();

  /** st_ino of the root, stable over restarts and the same on every node. */
  long rootIno();

  /** st_ino of a child, stable over restarts and the same on every node. */
  long ino(Node dir, String segment, boolean directory);

  /**
   * What a name stands for as far as that is known and fresh.
   *
   * @param known the name's node where there is one
   */
  @Nullable Resolution peek(Node dir, String name, @Nullable Node known) throws IOException;

  /**
   * What a name stands for, asking the store. Where the store can't be reached, what was last
   * known.
   *
   * @throws StoreException where the store fails and nothing is known
   */
  Resolution resolve(Node dir, String name, @Nullable Node known) throws IOException;

  /**
   * What a node is on this node of the cluster, where somebody writes it, instead of what a store
   * said of it.
   */
  Facts localized(Node node, Facts known) throws IOException;

  /** The root's facts; no store is asked, so that a mount answers while its store is down. */
  Facts rootFacts();

  /** How stat shows it. */
  Attributes attributes(Node node, Facts facts);

  /** True where the attributes are complete without another request. */
  boolean complete(Facts facts);

  /** How long the kernel may keep attributes that were seen then. */
  long attrTtlNanos(Facts facts);

  /** How long the kernel may keep a name that was seen then. */
  long entryTtlNanos(Facts facts);

  /** Opens the content; every {@code CachedFile} is closed once. */
  CachedFile open(Facts facts) throws IOException;

  /** The target of a symlink; blocks. */
  byte[] readLink(Node node, Facts facts) throws IOException;

  /** Begins to read a directory; no store is asked yet. */
  DirectoryStream openDirectory(Node dir);

  /** True where a directory has no entries; asks the store. */
  boolean isEmpty(Node dir) throws StoreException;

  /** Everything that changes it; null where it is read-only. */
  @Nullable Changes changes();

  /** Renames; null where it is read-only. */
  @Nullable Renames renames();

  /** The mount is up. */
  void mounted(OpenFiles opens);

  @Override
  void close();
}
