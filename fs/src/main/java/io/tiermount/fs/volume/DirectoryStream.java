package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One reading of a directory, from OPENDIR to RELEASEDIR. Entries are numbered from 0 in the order
 * of the reading; "." and ".." are the caller's. Safe from any thread.
 */
public interface DirectoryStream {
  /**
   * The entries from {@code ordinal} on that are at hand (empty at the end of the directory), or
   * null where the store or the index must be asked first.
   */
  @Nullable List<DirEntry> at(long ordinal);

  /** Makes {@link #at} answer; blocks. The entries behind are fetched while these are consumed. */
  void load(long ordinal) throws StoreException;
}
