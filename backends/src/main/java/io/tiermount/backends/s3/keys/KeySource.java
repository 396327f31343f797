package io.tiermount.backends.s3.keys;

import java.nio.file.Path;
import java.util.List;

/** One way to come by keys. */
interface KeySource {
  /**
   * Asks for the keys that hold now. Blocks, for seconds at most; one at a time.
   *
   * @throws NoKeysException with why there are none, never with a part of any
   */
  Keys fetch() throws NoKeysException, InterruptedException;

  /** The files whose change may mean other keys, also where they are missing yet. */
  default List<Path> files() {
    return List.of();
  }

  /** True where {@link #fetch} answers the same for ever. */
  default boolean fixed() {
    return false;
  }
}
