package io.tiermount.fs.fuse.libfuse;

import java.time.Duration;

/**
 * What libfuse 2 takes for a whole mount, where the kernel's own protocol has it with every answer.
 *
 * @param entryTtl how long the kernel may keep a name
 * @param attrTtl how long it may keep attributes
 * @param negativeTtl how long it may keep that there is no such name; zero for not at all
 */
public record LibFuseOptions(Duration entryTtl, Duration attrTtl, Duration negativeTtl) {
  public LibFuseOptions {
    if (entryTtl.isNegative() || attrTtl.isNegative() || negativeTtl.isNegative()) {
      throw new IllegalArgumentException(
          "a time to live is negative: " + entryTtl + ", " + attrTtl + ", " + negativeTtl);
    }
  }
}
