package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.volume.Resolution.Missing;
import io.tiermount.fs.write.DirtyFile;
import java.io.IOException;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** What this node knows better than its store, asked for names: see {@link LocalNames}. */
final class LocalView {
  /** What a page confirms must last for the names behind it. */
  private static final long MIN_PAGE_AGE_MILLIS = 250;

  private final WriteSide writer;
  private final LocalNames names;
  private final FactsStore facts;
  private final Listings listings;
  private final StoreHealth health;
  private final InstantSource clock;
  private final LongSupplier maxAgeMillis;

  LocalView(
      WriteSide writer,
      FactsStore facts,
      Listings listings,
      StoreHealth health,
      InstantSource clock,
      LongSupplier maxAgeMillis) {
    this.writer = writer;
    this.names = writer.names();
    this.facts = facts;
    this.listings = listings;
    this.health = health;
    this.clock = clock;
    this.maxAgeMillis = maxAgeMillis;
  }

  /** What a change that the store does not have yet makes of a name; null where there is none. */
  @Nullable Resolution changed(Node dir, String name) throws IOException {
    NameChange change = names.change(dir, name);
    if (change != null && change.isPending()) {
      return names.resolution(change);
    }
    return writer.moves().hides(dir) ? new Missing(clock.millis()) : null;
  }

  /** What overrules an answer of the store to a question that was asked then; null for nothing. */
  @Nullable Resolution overruled(Node dir, String name, long askedAtMillis) throws IOException {
    NameChange change = names.overruling(dir, name, askedAtMillis);
    return change == null ? null : names.resolution(change);
  }

  boolean isOverruled(Node dir, String name, long askedAtMillis) {
    return names.overruling(dir, name, askedAtMillis) != null;
  }

  private boolean fresh(long millis) {
    return clock.millis() - millis < maxAgeMillis.getAsLong();
  }

  /**
   * True for a name that is not known in a directory that was made here and whose every name was
   * known a moment ago. Until the store has the directory itself, nobody else can have put anything
   * in. While the store is down nobody can say; what is made then is published on the condition
   * that nothing is there.
   */
  boolean isMissing(Node dir, @Nullable Facts stored) {
    if (stored != null) {
      return false;
    }
    boolean own = names.isOwn(dir);
    if (health.down()) {
      return own || facts.listedAt(dir.id()) != 0;
    }
    if (!own) {
      return false;
    }
    Node above = dir.parent();
    NameChange made = above == null ? null : names.change(above, dir.name());
    boolean here = made != null && made.isPending() && !names.isOwnBefore(dir);
    return here || fresh(names.knownSinceMillis(dir));
  }

  /** The first question that finds the store down is answered as those after it will be. */
  Missing whileDown(Node dir, @Nullable Facts stored, StoreException failure)
      throws StoreException {
    if (!health.down() || !isMissing(dir, stored)) {
      throw failure;
    }
    return new Missing(clock.millis());
  }

  /**
   * True for a directory that was made here and fits one page: one LIST tells what is missing, too,
   * for all names at once. Asks the store where that was not done lately.
   */
  boolean isSmallAndOwn(Node dir) throws StoreException {
    if (!names.isOwn(dir) || maxAgeMillis.getAsLong() < MIN_PAGE_AGE_MILLIS || health.down()) {
      return false;
    }
    if (fresh(names.knownSinceMillis(dir))) {
      return true;
    }
    long askedAtMillis = clock.millis();
    String key = LocalNames.storeKey(dir);
    boolean whole = listings.refresh(dir.id(), key, null);
    if (!whole || !key.equals(LocalNames.storeKey(dir))) {
      names.disown(dir);
      return false;
    }
    facts.listed(dir.id(), askedAtMillis);
    names.listed(dir, askedAtMillis);
    return true;
  }

  /** For a name in such a directory: missing where the page did not have it; null where it had. */
  @Nullable Resolution missing(Node dir, String name, @Nullable Facts stored) throws IOException {
    Resolution changed = changed(dir, name);
    if (changed != null) {
      return changed;
    }
    long sinceMillis = names.knownSinceMillis(dir);
    if (stored != null && stored.seenAtMillis() >= sinceMillis) {
      return null;
    }
    // One that the store got while the page was asked for was not taken from the page.
    Resolution overruled = overruled(dir, name, sinceMillis);
    return overruled != null ? overruled : new Missing(clock.millis());
  }

  /** What a node is while somebody here writes it, instead of what the store said of it. */
  Facts localized(Node node, Facts known) throws IOException {
    LocalFile file = names.file(node);
    DirtyFile data = file == null ? null : file.content();
    if (file == null || data == null || file.isLost()) {
      return known;
    }
    // What was told of it before its last change has the version it is open as.
    boolean same = file.base() == null || file.isVersion(known.version()) || data.isChanged();
    return same ? writer.changes().facts(file).seenAt(known.seenAtMillis()) : known;
  }
}
