package io.tiermount.fs.volume;

import io.tiermount.backends.ByteSource;
import io.tiermount.backends.ObjectAttributes;
import io.tiermount.backends.ObjectInfo;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.backends.Version;
import io.tiermount.backends.WriteCondition;
import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.cache.ContentKey;
import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.volume.LocalFile.Ahead;
import io.tiermount.fs.volume.LocalFile.Attempt;
import io.tiermount.fs.volume.LocalFile.ObjectMeta;
import io.tiermount.fs.volume.NameChange.InStore;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.PublishOrder;
import io.tiermount.fs.write.Publisher;
import io.tiermount.fs.write.UploadLog;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Brings the store to where one name shall be: uploads what changed, copies what only got another
 * name or other attributes, writes markers, deletes. What it does is derived from the state of the
 * name and its file, never from a history, so that it can be done again after a kill at any point.
 */
final class Reconciler {
  /** A writer that never pauses: after so many tries what was read is published as it is. */
  private static final int TRIES = 4;

  private final ObjectStore store;
  private final String scope;
  private final LocalNames names;
  private final ChangeJournal journal;
  private final Publisher publisher;
  private final BlockCache cache;
  private final InstantSource clock;

  /** Opens the content of a version, for what lies below a partly written file. */
  interface Opener {
    ReadableFile open(Base base);
  }

  private final Opener opener;

  /** Told of copies, so that who has the old object open finds the new one. */
  interface Renamed {
    void renamed(String key, Version version, String newKey, Version newVersion);
  }

  private volatile Renamed renamed = (_, _, _, _) -> {};

  void tell(Renamed listener) {
    renamed = listener;
  }

  /** Told of each file whose object may have been written, before its name is another's turn. */
  interface Written {
    void written(LocalFile file) throws IOException;
  }

  private volatile Written written = _ -> {};

  void tell(Written listener) {
    written = listener;
  }

  Reconciler(
      ObjectStore store,
      String scope,
      LocalNames names,
      ChangeJournal journal,
      Publisher publisher,
      BlockCache cache,
      Opener opener,
      InstantSource clock) {
    this.store = store;
    this.scope = scope;
    this.names = names;
    this.journal = journal;
    this.publisher = publisher;
    this.cache = cache;
    this.opener = opener;
    this.clock = clock;
  }

  /** What the store has now. */
  sealed interface Outcome {
    /**
     * The name is as it shall be.
     *
     * @param facts of the object; null where there is none
     */
    record Done(@Nullable Facts facts) implements Outcome {}

    /** The content changed while it was read: later. */
    record Busy() implements Outcome {}

    /** Somebody else's object has the name. */
    record Lost(LocalFile file, StoreException why) implements Outcome {}
  }

  /**
   * Once; blocks.
   *
   * @param key where the object of the name is to be, as it was announced
   */
  Outcome reconcile(NameChange change, String key) throws IOException {
    Node node = change.present();
    boolean directory = change.isDirectory();
    if (change.hasOtherKind()) {
      store.delete(directory ? key : key + "/");
      change.otherKindRemoved(directory);
    }
    if (node == null) {
      return remove(change, key);
    }
    LocalFile file = names.file(node);
    if (file == null) {
      return new Outcome.Done(change.settledFacts());
    }
    file.publishing.lock();
    try {
      if (change.present() != node) {
        return new Outcome.Busy();
      }
      if (file.isDirectory()) {
        return marker(change, file, key + "/");
      }
      try {
        return object(change, file, key);
      } finally {
        written.written(file);
      }
    } finally {
      file.publishing.unlock();
    }
  }

  private Outcome remove(NameChange change, String key) throws IOException {
    boolean there = !(change.inStore() instanceof InStore.Nothing);
    // An answer may be lost.
    change.inStore(InStore.UNKNOWN);
    if (there) {
      store.delete(change.isDirectory() ? key + "/" : key);
    }
    String also = change.alsoKey();
    if (also != null) {
      store.delete(also);
      change.alsoKey(null);
    }
    change.inStore(InStore.NOTHING);
    return new Outcome.Done(null);
  }

  private Outcome marker(NameChange change, LocalFile file, String key) throws IOException {
    Base before = file.base();
    if (before != null && before.key().equals(key) && !file.isMetaChanged()) {
      return new Outcome.Done(file.facts(key, clock.millis()));
    }
    long generation = file.metaGeneration();
    ObjectMeta meta = known(file);
    ObjectAttributes attributes =
        ObjectMetadata.attributes(
            new ObjectMeta(meta.posix(), ObjectMetadata.DIRECTORY_TYPE, meta.foreign()),
            meta.posix(),
            ObjectMetadata.newId(),
            null);
    boolean make = change.inStore() instanceof InStore.Nothing && before == null;
    ObjectInfo info;
    try {
      info =
          store.put(
              key,
              ByteSource.of(new byte[0]),
              attributes,
              make ? condition(InStore.NOTHING) : WriteCondition.ALWAYS);
    } catch (StoreException e) {
      Optional<ObjectInfo> there =
          e.kind() == Kind.PRECONDITION_FAILED ? store.head(key) : Optional.empty();
      if (there.isEmpty()) {
        throw e;
      }
      info = there.get(); // Another node made it: it is there, which is what mkdir promised.
    }
    file.base(new Base(key, info.version(), 0));
    file.metaPublished(generation);
    change.inStore(new InStore.Held(info.version()));
    return new Outcome.Done(Facts.of(withMetadata(info, attributes), true, clock.millis()));
  }

  private Outcome object(NameChange change, LocalFile file, String key) throws IOException {
    Attempt attempt = file.attempt();
    if (attempt != null && file.ahead() == null) {
      settleAttempt(change, key, file, attempt);
    }
    DirtyFile data = file.content();
    Base base = file.base();
    // Of an unfinished file that got another name, its last version gets that.
    boolean lastVersion = base != null && !base.key().equals(key) && file.isUnfinished();
    if (data != null && !lastVersion && (base == null || data.isChanged())) {
      return upload(change, file, data, key);
    }
    if (base == null) {
      throw new IllegalStateException(file + " has neither content nor a base");
    }
    if (base.key().equals(key) && !file.isMetaChanged()) {
      return new Outcome.Done(facts(file, key, base));
    }
    return copy(change, file, base, key);
  }

  private Facts facts(LocalFile file, String key, Base base) throws IOException {
    PosixMetadata posix = file.meta().posix();
    DirtyFile data = file.content();
    if (data != null) {
      posix = LocalFile.withTimes(posix, data.stat());
    }
    return new Facts(
        false,
        key,
        base.version(),
        base.sizeBytes(),
        clock.millis() * 1_000_000L,
        posix,
        clock.millis(),
        file.meta().contentType());
  }

  /**
   * An earlier process, or an earlier try, began to write the object and its end is not known: it
   * is found out, and what is left of it is given up.
   */
  private void settleAttempt(NameChange change, String key, LocalFile file, Attempt attempt)
      throws IOException {
    if (!attempt.uploadId().isEmpty()) {
      publisher.abort(attempt.key(), attempt.uploadId(), log(journal, file, attempt));
    } else if (file.content() != null) {
      abortUnknown(attempt.key());
    }
    Optional<ObjectInfo> there = store.head(attempt.key());
    if (there.isPresent() && ObjectMetadata.isOurs(there.get(), attempt.id())) {
      Base written = new Base(attempt.key(), there.get().version(), there.get().sizeBytes());
      file.base(written);
      DirtyFile data = file.content();
      if (data != null && !data.isWhole()) {
        // What lay below is replaced by what has the same bytes where nothing was changed.
        data.under(opener.open(written));
      }
      if (attempt.key().equals(key)) {
        change.inStore(new InStore.Held(written.version()));
      }
    }
    file.attempt(null);
  }

  /** The answer to the beginning of an upload may have been lost with the one who asked. */
  private void abortUnknown(String key) throws IOException {
    if (!store.limits().multipart()) {
      return;
    }
    try {
      for (ObjectStore.PendingUpload upload : store.pendingUploads(key)) {
        if (upload.key().equals(key)) {
          store.resumeUpload(key, upload.uploadId()).abort();
        }
      }
    } catch (StoreException e) {
      if (e.kind() != Kind.ACCESS_DENIED && e.kind() != Kind.UNSUPPORTED) {
        throw e;
      }
    }
  }

  private Outcome upload(NameChange change, LocalFile file, DirtyFile data, String key)
      throws IOException {
    for (int tried = 1; ; tried++) {
      long generation = file.metaGeneration();
      ObjectMeta meta = known(file);
      boolean last = tried == TRIES;
      DirtyFile.Sending sending = data.send();
      boolean sent = false;
      try {
        Ahead ahead = ahead(file, key);
        Attempt attempt =
            ahead != null ? ahead.attempt() : new Attempt(ObjectMetadata.newId(), key, "");
        PosixMetadata posix = LocalFile.withTimes(meta.posix(), data.stat());
        ObjectAttributes attributes =
            ahead != null
                ? ahead.attributes()
                : ObjectMetadata.attributes(meta, posix, attempt.id(), file.headers());
        if (ahead == null) {
          begin(file, attempt);
        } else {
          generation = ahead.generation();
        }
        PublishOrder order =
            new PublishOrder(key, attributes, condition(change.inStore()), file.base());
        Optional<ObjectInfo> made =
            publisher.publish(
                order,
                last ? new ContentAsItIs(sending) : sending,
                log(journal, file, attempt),
                ahead == null ? null : ahead.parts());
        file.attempt(null);
        if (made.isPresent()) {
          file.ahead(null);
          sent = true;
          Base now = new Base(key, made.get().version(), sending.sizeBytes());
          file.base(now);
          sending.sent(data.isWhole() ? null : opener.open(now));
          file.metaPublished(generation);
          change.inStore(new InStore.Held(now.version()));
          return new Outcome.Done(
              Facts.of(withMetadata(made.get(), attributes), false, clock.millis()));
        }
      } catch (StoreException e) {
        if (e.kind() == Kind.PRECONDITION_FAILED) {
          return raced(change, key, file, e);
        }
        throw e;
      } finally {
        if (!sent) {
          sending.failed();
        }
      }
      if (last) {
        return new Outcome.Busy();
      }
    }
  }

  /** What was sent ahead under the key; what was sent under another one is given up. */
  private static @Nullable Ahead ahead(LocalFile file, String key) {
    Ahead ahead = file.ahead();
    if (ahead != null && !ahead.attempt().key().equals(key)) {
      ahead.parts().abort();
      file.ahead(null);
      return null;
    }
    return ahead;
  }

  /** The condition did not hold: another's object, or our own of a try whose answer was lost. */
  private Outcome raced(NameChange change, String key, LocalFile file, StoreException why)
      throws IOException {
    Attempt attempt = file.attempt();
    if (attempt != null) {
      Base before = file.base();
      settleAttempt(change, key, file, attempt);
      Base after = file.base();
      if (after != null && !after.equals(before)) {
        return new Outcome.Busy();
      }
    }
    return new Outcome.Lost(file, why);
  }

  private Outcome copy(NameChange change, LocalFile file, Base base, String key)
      throws IOException {
    long generation = file.metaGeneration();
    boolean changed = file.isMetaChanged();
    ObjectMeta meta = known(file);
    DirtyFile data = file.content();
    PosixMetadata posix =
        data == null ? meta.posix() : LocalFile.withTimes(meta.posix(), data.stat());
    Attempt attempt = new Attempt(ObjectMetadata.newId(), key, "");
    ObjectAttributes attributes =
        changed ? ObjectMetadata.attributes(meta, posix, attempt.id(), file.headers()) : null;
    WriteCondition condition = condition(change.inStore());
    if (!base.key().equals(key)) {
      // A rename replaces what it finds; its answer may be lost, and a plain copy has no id.
      change.inStore(InStore.UNKNOWN);
      condition = WriteCondition.ALWAYS;
    }
    ObjectInfo made;
    try {
      if (changed) {
        begin(file, attempt);
      }
      made = store.copy(base.key(), base.version(), key, attributes, condition);
    } catch (StoreException e) {
      if (e.kind() == Kind.PRECONDITION_FAILED || e.kind() == Kind.NOT_FOUND) {
        return base.key().equals(key)
            ? raced(change, key, file, e)
            : sourceReplaced(file, base, data, e);
      }
      throw e;
    }
    Base now = new Base(key, made.version(), base.sizeBytes());
    file.copied(now);
    if (data != null && !data.isWhole()) {
      data.under(opener.open(now));
    }
    file.attempt(null);
    if (changed) {
      file.metaPublished(generation);
    }
    change.inStore(new InStore.Held(now.version()));
    renamed.renamed(base.key(), base.version(), key, now.version());
    boolean _ =
        cache.rekey(
            new ContentKey(scope, base.key(), base.version()),
            new ContentKey(scope, key, now.version()));
    return new Outcome.Done(facts(file, key, now));
  }

  /**
   * Somebody else wrote the object while its new name was on its way: the name takes what is there.
   */
  private Outcome sourceReplaced(
      LocalFile file, Base base, @Nullable DirtyFile data, StoreException why) throws IOException {
    if (data != null) {
      // What is open here is the version before: it is sent from here.
      file.base(null);
      file.acknowledged(file.isAcknowledged() || !data.isChanged());
      journal.put(file);
      return new Outcome.Busy();
    }
    Optional<ObjectInfo> there = store.head(base.key());
    if (there.isEmpty() || there.get().version().equals(base.version())) {
      return new Outcome.Lost(file, why);
    }
    file.base(new Base(base.key(), there.get().version(), there.get().sizeBytes()));
    return new Outcome.Busy();
  }

  /** The object's own headers and other metadata, asked for where they are not known. */
  private ObjectMeta known(LocalFile file) throws StoreException {
    ObjectMeta meta = file.meta();
    Base base = file.base();
    if (meta.foreign() != null) {
      return meta;
    }
    Optional<ObjectInfo> there = base == null ? Optional.empty() : store.head(base.key());
    file.headers(there.map(ObjectInfo::headers).orElse(null));
    return file.describe(
        there.map(ObjectInfo::contentType).orElse(null),
        there.map(ObjectMetadata::foreign).orElse(Map.of()));
  }

  private void begin(LocalFile file, Attempt attempt) throws IOException {
    file.attempt(attempt);
    journal.put(file);
  }

  /** Writes down which upload an attempt is. */
  static UploadLog log(ChangeJournal journal, LocalFile file, Attempt attempt) {
    return new UploadLog() {
      @Override
      public void begun(String key, String uploadId) throws IOException {
        file.attempt(new Attempt(attempt.id(), key, uploadId));
        journal.put(file);
      }

      @Override
      public void ended(String key, String uploadId) {
        Attempt now = file.attempt();
        if (now != null && now.uploadId().equals(uploadId)) {
          file.attempt(new Attempt(now.id(), now.key(), ""));
        }
      }
    };
  }

  private WriteCondition condition(InStore inStore) {
    if (!store.limits().conditionalWrites()) {
      return WriteCondition.ALWAYS;
    }
    return switch (inStore) {
      case InStore.Nothing _ -> WriteCondition.IF_ABSENT;
      case InStore.Unknown _ -> WriteCondition.ALWAYS;
      case InStore.Held(Version version) -> new WriteCondition.IfVersion(version);
    };
  }

  private static ObjectInfo withMetadata(ObjectInfo info, ObjectAttributes attributes) {
    return new ObjectInfo(
        info.key(),
        info.sizeBytes(),
        info.version(),
        info.lastModified(),
        attributes.contentType(),
        attributes.metadata());
  }
}
