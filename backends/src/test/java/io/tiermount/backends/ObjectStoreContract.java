package io.tiermount.backends;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;

/**
 * What every {@link ObjectStore} does. A store's test extends this and answers {@link #newStore};
 * where a server is known to be wrong it overrides that one test with {@code @Disabled("why")}.
 * Reads are in {@link ReadContract}, listings in {@link ListContract}, writes in {@link
 * WriteContract}, uploads in {@link UploadContract}, copies in {@link CopyContract}, odd keys in
 * {@link OddKeysContract}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ObjectStoreContract
    implements ReadContract,
        ListContract,
        WriteContract,
        UploadContract,
        CopyContract,
        OddKeysContract {
  private ObjectStore store = new MemoryStore();

  /** A store over an empty bucket (or an empty prefix); closed after the test. */
  protected abstract ObjectStore newStore() throws Exception;

  /** Called after each test, once its store is closed. */
  protected void cleanUp() throws Exception {}

  @Override
  public final ObjectStore store() {
    return store;
  }

  @BeforeEach
  final void open() throws Exception {
    store = newStore();
  }

  @AfterEach
  final void close() throws Exception {
    store.close();
    cleanUp();
  }
}
