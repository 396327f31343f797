package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import io.tiermount.backends.StoreException.Kind;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.ChangeJournal.LostRecord;
import io.tiermount.fs.write.Base;
import io.tiermount.fs.write.DirtyFile;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What two nodes wrote at once: the store took the other's object. Ours leaves its name and is kept
 * as a file in {@code staging/}, journalled; its writer is told at once, or at the next open.
 */
final class LostRaces {
  private static final Logger log = LoggerFactory.getLogger(LostRaces.class);

  private final String mount;
  private final LocalNames names;
  private final Quota quota;
  private final ChangeJournal journal;
  private final FactsStore facts;
  private final Nodes nodes;
  private final InstantSource clock;
  private final Publishing publishing;

  /** Names whose last writer lost and has not been told. */
  private final Map<NameChange, Boolean> untold = new ConcurrentHashMap<>();

  LostRaces(Publishing.Parts parts, Publishing publishing) {
    this.mount = parts.mount();
    this.names = parts.names();
    this.quota = parts.quota();
    this.journal = parts.journal();
    this.facts = parts.facts();
    this.nodes = parts.nodes();
    this.clock = parts.clock();
    this.publishing = publishing;
  }

  /**
   * Somebody else's object has the name: what was written here is kept beside it.
   *
   * @return false where the name leads elsewhere by now: what did not get to the store was given up
   *     here, too, or goes there under another name
   */
  boolean lost(NameChange change, LocalFile file, StoreException why) throws IOException {
    Node node = file.node();
    names.lock.lock();
    try {
      if (change.present() != node || !change.isPending() || names.file(node) != file) {
        return false;
      }
      file.lost(true);
      quota.doubt(); // Nobody knows how large the other's is.
      DirtyFile data = file.content();
      log.warn(
          "{}: {} was changed by somebody else meanwhile; what was written here is kept as {}. {}",
          mount,
          file,
          data == null ? "nothing: its attributes alone" : data.staging().path(),
          why.getMessage());
      LostRecord kept = data == null ? null : lostRecord(file, data, why.getMessage());
      journal.batch(batch -> {
        journal.remove(batch, change);
        journal.remove(batch, file);
        if (kept != null) {
          journal.put(batch, kept);
        }
      });
      names.drop(change);
      if (data == null) {
        names.remove(file);
      } else if (!publishing.isRemote()) {
        untold.put(change, Boolean.TRUE);
      }
      facts.remove(change.dir().id(), change.name());
      Node now = nodes.renew(node);
      now.attach(null);
    } finally {
      names.lock.unlock();
    }
    change.failed(
        new StoreException(
            Kind.PRECONDITION_FAILED,
            why.key(),
            file
                + " was changed by somebody else meanwhile; what was written here is kept in the"
                + " cache directory's staging/",
            why));
    publishing.opens().renamedAway(change.dir(), change.name());
    publishing.retire(file);
    return true;
  }

  LostRecord lostRecord(LocalFile file, DirtyFile data, @Nullable String why) throws IOException {
    Base base = file.base();
    String partly =
        data.isWhole() || base == null
            ? ""
            : "; it has only what was changed, the rest of it reads as zeros and was that of %s, version %s"
                .formatted(base.key(), base.version().token());
    return new LostRecord(
        data.staging().id(),
        data.staging().directoryId(),
        file.node().path(),
        why + partly,
        data.stat().sizeBytes(),
        clock.millis());
  }

  /** True once for a name whose last writer here lost a race after its close had returned. */
  boolean tellLost(Node dir, String name) {
    if (untold.isEmpty()) {
      return false;
    }
    return untold.keySet().removeIf(change -> change.dir() == dir && change.name().equals(name));
  }
}
