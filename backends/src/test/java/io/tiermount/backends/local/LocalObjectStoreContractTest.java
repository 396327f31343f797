package io.tiermount.backends.local;

import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.ObjectStoreContract;
import org.jspecify.annotations.Nullable;

final class LocalObjectStoreContractTest extends ObjectStoreContract {
  private @Nullable LocalDirectory directory;

  @Override
  protected ObjectStore newStore() throws Exception {
    directory = LocalDirectory.create();
    return directory.open();
  }

  @Override
  protected void cleanUp() throws Exception {
    if (directory != null) {
      directory.close();
    }
  }
}
