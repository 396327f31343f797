package io.tiermount.fs.volume;

import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.fs.cache.BlockCache;
import io.tiermount.fs.cache.ReadableFile;
import io.tiermount.fs.cache.Staging;
import io.tiermount.fs.cache.StagingFile;
import io.tiermount.fs.meta.StateStore;
import io.tiermount.fs.scope.AccessOptions;
import io.tiermount.fs.scope.QuotaOptions;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.ChangeJournal.FileRecord;
import io.tiermount.fs.volume.ChangeJournal.LostRecord;
import io.tiermount.fs.volume.ChangeJournal.MoveRecord;
import io.tiermount.fs.volume.ChangeJournal.NameRecord;
import io.tiermount.fs.volume.LocalFile.Attempt;
import io.tiermount.fs.volume.NameChange.InStore;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import io.tiermount.fs.write.Publisher;
import io.tiermount.fs.write.PublisherOptions;
import io.tiermount.fs.write.WriteOptions;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The parts that make a volume writable, wired together, and what an earlier process left. */
final class WriteSide implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(WriteSide.class);

  /** What the write side needs of the volume it belongs to. */
  record Needs(
      String mount,
      String scope,
      ObjectStore store,
      BlockCache cache,
      StateStore state,
      Nodes nodes,
      WriteOptions options,
      QuotaOptions quota,
      VolumeOptions volume,
      AccessOptions access,
      FactsStore facts,
      StoreHealth health,
      Inherited inherited,
      InstantSource clock) {}

  private final Needs needs;
  private final LocalNames names;
  private final WritePromises promises;
  private final Quota quota;
  private final QuotaCounter counter;
  private final ChangeJournal journal;
  private final Publisher publisher;
  private final UploadWatch watch;
  private final Backlog backlog;
  private final DirectoryMoves moves;
  private final Publishing publishing;
  private final Changes changes;
  private final Renames renames;
  private final Recovered recovered;
  private final AheadSender ahead;
  private final Reconciler.Opener opener;

  WriteSide(Needs needs, Reconciler.Opener opener, Changes.Inos inos) throws IOException {
    this.needs = needs;
    this.opener = opener;
    names = new LocalNames(needs.clock);
    promises = new WritePromises(needs.options);
    quota = new Quota(needs.quota, names);
    journal = new ChangeJournal(needs.state, needs.nodes.root().id());
    watch = new UploadWatch(needs.mount, needs.options.starvationWarning(), needs.clock);
    publisher = new Publisher(needs.store, PublisherOptions.of(needs.options), watch::moved);
    Staging staging = needs.cache.staging();
    Reconciler reconciler =
        new Reconciler(
            needs.store, needs.scope, names, journal, publisher, needs.cache, opener, needs.clock);
    Publishing.Parts parts =
        new Publishing.Parts(
            needs.mount,
            watch,
            needs.scope,
            names,
            quota,
            journal,
            reconciler,
            needs.facts,
            needs.nodes,
            staging,
            promises,
            needs.volume.direct(),
            needs.health,
            needs.clock);
    WriteOpens opens = new WriteOpens(needs.scope, names, journal, staging, opener);
    moves = new DirectoryMoves(parts, needs.store, needs.cache);
    counter = new QuotaCounter(needs, quota, names, moves, needs.nodes.root().id());
    reconciler.tell(moves::renamed);
    publishing = new Publishing(parts, moves, opens);
    changes =
        new Changes(
            parts, publishing, opens, needs.access, needs.store.limits().maxKeyBytes(), inos);
    renames = new Renames(parts, publishing, moves, changes);
    backlog = new Backlog(parts, publishing, moves);
    ahead = new AheadSender(needs.mount, publisher, journal);
    if (publishing.isRemote()) {
      changes.writers(
          file -> {
            quota.begins(file);
            ahead.watch(file);
          },
          file -> {
            quota.ends(file);
            ahead.forget(file);
          });
      ahead.start();
    } else {
      changes.writers(quota::begins, quota::ends);
    }
    needs.nodes.keep(node -> names.file(node) != null || !names.changesIn(node).isEmpty());
    if (!needs.inherited.resumed()) {
      journal.forgetRequests();
    }
    recovered = new Recovered();
    recovered.run(staging);
  }

  Backlog backlog() {
    return backlog;
  }

  LocalNames names() {
    return names;
  }

  DirectoryMoves moves() {
    return moves;
  }

  Changes changes() {
    return changes;
  }

  Renames renames() {
    return renames;
  }

  Publishing publishing() {
    return publishing;
  }

  /** Other times and counts, from the next call on. */
  void change(WriteOptions next) {
    promises.change(next);
    publisher.change(next);
    watch.limit(next.starvationWarning());
  }

  /** The mount is up: what was left behind goes on its way. */
  void start(OpenFiles opens) {
    publishing.start(opens);
    counter.start();
    abortLeftovers();
    for (NameChange change : names.pending()) {
      LocalFile file = change.present() == null ? null : names.file(change.present());
      if (file == null || !isHeldBack(file)) {
        publishing.now(change);
      }
    }
  }

  /** Somebody goes on writing it, and has neither closed nor synced it. */
  private static boolean isHeldBack(LocalFile file) {
    try {
      return file.isUnfinished();
    } catch (IOException e) {
      return false; // Sending it says more.
    }
  }

  /** Uploads of contents that were given up. */
  private void abortLeftovers() {
    List<Attempt> leftovers = recovered.leftovers;
    if (leftovers.isEmpty()) {
      return;
    }
    Thread.startVirtualThread(() -> {
      for (Attempt attempt : leftovers) {
        try {
          needs.store.resumeUpload(attempt.key(), attempt.uploadId()).abort();
        } catch (StoreException e) {
          log.warn(
              "{}: an upload of {} stays in the store: {}",
              needs.mount,
              attempt.key(),
              e.getMessage());
        }
      }
    });
  }

  /** Reads the journal of an earlier process. */
  private final class Recovered {
    private final List<Attempt> leftovers = new ArrayList<>();
    private final Map<Long, LocalFile> byNode = new HashMap<>();

    /** Nodes that a change of a name leads to. */
    private final Set<Long> named = new HashSet<>();

    void run(Staging staging) throws IOException {
      List<FileRecord> files = new ArrayList<>();
      journal.files(files::add);
      List<NameRecord> changed = new ArrayList<>();
      journal.names(changed::add);
      changed.forEach(record -> named.add(record.nodeId()));
      for (FileRecord record : files) {
        restore(staging, record);
      }
      for (NameRecord record : changed) {
        restore(record);
      }
      List<MoveRecord> moved = new ArrayList<>();
      journal.moves(moved::add);
      for (MoveRecord record : moved) {
        Node node = needs.nodes.byId(record.nodeId());
        if (node != null) {
          moves.restore(node, record);
        }
      }
      for (LocalFile file : byNode.values()) {
        settle(staging, file);
        Base base = file.base();
        if (base != null && !base.key().equals(Changes.keyOf(file.node()))) {
          // Renamed and not copied yet: the old key may not be deleted before.
          publishing.borrows(file);
        }
      }
    }

    private void restore(Staging staging, FileRecord record) throws IOException {
      Node node = needs.nodes.byId(record.nodeId());
      boolean gone =
          node != null && !named.contains(record.nodeId()) && !needs.nodes.isCurrent(node);
      if (node != null && gone && needs.inherited.isOpen(record.nodeId())) {
        node.unlinked(true);
      } else if (node == null || gone) {
        // Its last name was removed or replaced while it was open, or being sent.
        journal.batch(batch -> journal.remove(batch, record.nodeId(), true));
        Optional<StagingFile> left =
            record.hasContent()
                ? staging.reopen(record.directoryId(), record.stagingId())
                : Optional.empty();
        left.ifPresent(staging::discard);
        Attempt attempt = record.attempt();
        if (attempt != null && !attempt.uploadId().isEmpty()) {
          leftovers.add(attempt);
        }
        return;
      }
      DirtyFile data = null;
      if (record.hasContent()) {
        Optional<StagingFile> found = staging.reopen(record.directoryId(), record.stagingId());
        if (found.isEmpty()) {
          log.error(
              "{}: the data file of {} is gone from the cache directory: what was written to it"
                  + " and not yet sent is lost",
              needs.mount,
              node.path());
          journal.batch(batch ->
              journal.remove(
                  batch, new LocalFile(node, false, record.meta(), record.base(), null)));
          return;
        }
        data = content(found.get(), record);
      }
      LocalFile file = new LocalFile(node, record.directory(), record.meta(), record.base(), data);
      file.acknowledged(record.acknowledged());
      file.attempt(record.attempt());
      if (record.metaChanged()) {
        file.metaUnpublished();
      }
      byNode.put(node.id(), file);
      names.add(file);
      quota.restored(file);
    }

    private DirtyFile content(StagingFile staged, FileRecord record) throws IOException {
      Base base = record.base();
      if (record.underBytes() < 0 || base == null) {
        return DirtyFile.whole(staged, record.tracked(), record.published());
      }
      ReadableFile under = opener.open(base);
      DirtyFile data =
          DirtyFile.partial(
              staged,
              under,
              (group, chunks) -> journal.chunks(record.nodeId(), group, chunks),
              record.published());
      journal.chunksOf(record.nodeId(), data);
      data.restoreCut(record.underBytes());
      return data;
    }

    private void restore(NameRecord record) throws IOException {
      Node dir = needs.nodes.byKernelId(record.dirId());
      Node present = record.nodeId() == 0 ? null : needs.nodes.byId(record.nodeId());
      if (dir == null || (record.nodeId() != 0 && present == null)) {
        log.warn(
            "{}: the journal has a name whose directory is gone: {}", needs.mount, record.name());
        return;
      }
      NameChange change =
          new NameChange(
              dir,
              record.name(),
              record.segment(),
              present,
              record.directory(),
              record.inStore(),
              needs.clock.millis());
      change.alsoKey(record.alsoKey());
      change.restored(record.otherKind());
      if (present == null) {
        change.inStore(InStore.UNKNOWN);
      }
      if (present != null && names.file(present) == null) {
        journal.batch(batch -> journal.remove(batch, change));
        return; // Its data file is gone, which was said.
      }
      names.restore(change);
      if (!needs.nodes.isCurrent(dir)) {
        dir.unlinked(true);
        names.detach(dir);
      }
      LocalFile file = present == null ? null : names.file(present);
      if (present != null && file != null && record.directory() && file.base() == null) {
        names.ownedBefore(present);
      }
    }

    /** What was never acknowledged by a close or an fsync is no version of the file. */
    private void settle(Staging staging, LocalFile file) throws IOException {
      DirtyFile data = file.content();
      Node node = file.node();
      if (data == null || node.isUnlinked()) {
        return;
      }
      if (needs.inherited.isOpen(node.id()) && !file.isAcknowledged()) {
        return; // Its writer goes on.
      }
      boolean changed = file.base() == null || data.isChanged();
      NameChange change = node.parent() == null ? null : names.change(node.parent(), node.name());
      boolean named = change != null && change.present() == node;
      if (changed && !file.isAcknowledged()) {
        giveUp(staging, file, data, named ? change : null);
      } else if (changed && !named) {
        names.lock.lock();
        try {
          NameChange _ = publishing.pending(file);
        } finally {
          names.lock.unlock();
        }
      }
    }

    private void giveUp(
        Staging staging, LocalFile file, DirtyFile data, @Nullable NameChange change)
        throws IOException {
      quota.doubt();
      Attempt attempt = file.attempt();
      if (attempt != null && !attempt.uploadId().isEmpty()) {
        leftovers.add(attempt);
      }
      boolean empty = data.stat().sizeBytes() == 0;
      LostRecord kept =
          empty
              ? null
              : publishing
                  .lostRaces()
                  .lostRecord(
                      file,
                      data,
                      "its writer had neither closed nor synced it when tiermount ended");
      boolean renamed = file.base() != null;
      // What had the name before it may still be in the store, and has to go from there.
      boolean gone = change != null && !(change.inStore() instanceof InStore.Nothing);
      if (!renamed && change != null && gone) {
        change.shallBe(null, false, needs.clock.millis());
      }
      journal.batch(batch -> {
        if (kept != null) {
          journal.put(batch, kept);
        }
        if (!renamed) {
          journal.remove(batch, file);
          if (change != null && gone) {
            journal.put(batch, change);
          } else if (change != null) {
            journal.remove(batch, change);
          }
        }
      });
      data.close();
      file.content(null);
      if (kept == null) {
        staging.discard(data.staging());
      } else {
        data.staging().close();
      }
      if (renamed) {
        // The version before it stays; its name may have been changed.
        if (change == null && !file.isMetaChanged()) {
          names.remove(file);
          journal.batch(batch -> journal.remove(batch, file));
        } else {
          journal.put(file);
        }
        return;
      }
      names.remove(file);
      if (change != null && !gone) {
        names.drop(change);
      }
    }
  }

  /** Names and renames of directories that the store does not have yet. */
  int pending() {
    return names.pending().size() + moves.underWay();
  }

  /** Sends what is pending, for at most so long; true where nothing is left. */
  boolean drained(Duration deadline) {
    if (publishing.sendable().isEmpty()) {
      return true;
    }
    Thread sending =
        Thread.startVirtualThread(() -> {
          try {
            publishing.drain();
          } catch (StoreException e) {
            log.warn(
                "{}: not all was sent, the rest follows later: {}", needs.mount, e.getMessage());
          }
        });
    try {
      if (!sending.join(deadline)) {
        sending.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return publishing.sendable().isEmpty();
  }

  @Override
  public void close() {
    backlog.close();
    ahead.close();
    counter.close();
    moves.close();
    publishing.close();
    publisher.close();
    for (LocalFile file : names.files()) {
      DirtyFile data = file.content();
      if (data != null) {
        data.close();
        try {
          data.staging().close();
        } catch (IOException e) {
          log.debug("closing {}: {}", data.staging().path(), e.getMessage());
        }
      }
    }
  }
}
