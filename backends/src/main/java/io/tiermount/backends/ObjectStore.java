package io.tiermount.backends;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A bucket. Objects are immutable versions, replaced whole. Every call blocks (callers run on
 * virtual threads), is safe from any number of threads, ends by itself within the store's deadline
 * counted from its last progress, and may be given up with {@link Thread#interrupt} (then it throws
 * {@link StoreException.Kind#INTERRUPTED}). Retries with back-off happen inside.
 */
public non-sealed interface ObjectStore extends Store {
  /** What this store can do. */
  StoreLimits limits();

  /**
   * The object at exactly this key, with content type and user metadata; empty where there is none.
   *
   * @throws StoreException any kind but {@code NOT_FOUND}
   */
  Optional<ObjectInfo> head(String key) throws StoreException;

  /**
   * Reads {@code lengthBytes} bytes from {@code offsetBytes} of exactly this version (fewer where
   * the object ends before; none at or behind its end).
   *
   * @param version only this one is read; null reads whatever is there now
   * @return the object as the answer described it (metadata may be null where the answer had none)
   * @throws StoreException {@code NOT_FOUND}, or {@code PRECONDITION_FAILED} where the object is
   *     another version now; a transfer cut short is retried from where it stopped, never repeated
   *     into the target
   */
  ObjectInfo read(
      String key, @Nullable Version version, long offsetBytes, long lengthBytes, ReadTarget target)
      throws StoreException;

  /** One page; exactly one request to the store where it needs no retry. */
  ListPage list(ListRequest request) throws StoreException;

  /**
   * Writes a whole object.
   *
   * @throws StoreException {@code PRECONDITION_FAILED} where the condition does not hold, {@code
   *     TOO_LARGE} above {@link StoreLimits#maxPutBytes}
   */
  ObjectInfo put(String key, ByteSource body, ObjectAttributes attributes, WriteCondition condition)
      throws StoreException;

  /** Begins an object in parts. */
  Upload startUpload(String key, ObjectAttributes attributes) throws StoreException;

  /** An upload that an earlier process began. No request is made; a gone one fails at first use. */
  Upload resumeUpload(String key, String uploadId) throws StoreException;

  /** Unfinished uploads below a prefix, as far as the store lets them be listed. */
  List<PendingUpload> pendingUploads(String prefix) throws StoreException;

  /** An upload begun and neither completed nor aborted. */
  record PendingUpload(String key, String uploadId) {}

  /**
   * Copies on the server side.
   *
   * @param sourceVersion only this one is copied; null copies whatever is there now
   * @param attributes replace the source's; null keeps all of them
   */
  ObjectInfo copy(
      String sourceKey,
      @Nullable Version sourceVersion,
      String key,
      @Nullable ObjectAttributes attributes,
      WriteCondition condition)
      throws StoreException;

  /** Deletes; no error where there is no such object. */
  void delete(String key) throws StoreException;
}
