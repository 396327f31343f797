package io.tiermount.fs.write;

import java.io.IOException;

/**
 * The caller's journal of uploads in parts, so that recovery aborts what a kill left. Any thread.
 */
public interface UploadLog {
  /**
   * An upload exists in the store; its parts are sent after this has returned. A failure gives the
   * upload up.
   */
  void begun(String key, String uploadId) throws IOException;

  /**
   * It was completed, or is gone from the store. A failure is passed over: aborting it again does
   * no harm.
   */
  void ended(String key, String uploadId) throws IOException;
}
