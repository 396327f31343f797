package io.tiermount.backends.local;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.Upload;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;

/** An upload of {@link LocalUploads}; holds nothing but its name, so that any process goes on. */
record LocalUpload(LocalObjectStore store, String key, String uploadId) implements Upload {
  @Override
  public void part(int number, ByteSource body) throws StoreException {
    store.part(this, number, body);
  }

  @Override
  public void copyPart(
      int number, String sourceKey, Version sourceVersion, long offsetBytes, long lengthBytes)
      throws StoreException {
    store.copyPart(this, number, sourceKey, sourceVersion, offsetBytes, lengthBytes);
  }

  @Override
  public ObjectInfo complete(WriteCondition condition) throws StoreException {
    return store.complete(this, condition);
  }

  @Override
  public void abort() throws StoreException {
    store.abort(this);
  }
}
