package io.tiermount.daemon;

import java.io.IOException;
import java.util.Map;

/**
 * Keeps descriptors open beyond the life of this process, and has it followed by another one that
 * gets them. Safe from any thread.
 */
sealed interface DescriptorStore permits NoStore, KeeperStore, SystemdStore {
  /** True where descriptors outlive this process and somebody starts the next. */
  boolean survives();

  /** True where this process follows another one. */
  boolean follows();

  /** All that is kept, by name; the descriptors stay the store's. */
  Map<String, Integer> kept();

  /**
   * Keeps one; the store makes its own descriptor of the same file.
   *
   * @throws IOException where it can't be kept: it then ends with this process
   */
  void put(String name, int fd) throws IOException;

  /** Keeps it no longer. */
  void remove(String name) throws IOException;

  /** All mounts answer. */
  void ready() throws IOException;

  /** A real end: nobody is to follow. */
  void end();
}
