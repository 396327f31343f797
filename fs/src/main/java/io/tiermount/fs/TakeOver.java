package io.tiermount.fs;

import io.tiermount.fs.tree.Handles;
import io.tiermount.fs.tree.OpenTable;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has open again what an earlier process had. */
final class TakeOver {
  private static final Logger log = LoggerFactory.getLogger(TakeOver.class);

  private TakeOver() {}

  /** Before the first request; who uses what can't be had any more gets EBADF. */
  static void run(String mount, Handles handles, Opens opens, Directories directories) {
    for (OpenTable.Open open : handles.table().opens()) {
      try {
        if (open.directory()) {
          directories.restore(open);
        } else {
          opens.restore(open);
        }
      } catch (IOException e) {
        log.warn("{}: what was open as {} is lost: {}", mount, open.id(), e.getMessage());
        handles.lost(open);
      }
    }
  }
}
