package io.tiermount.fs.volume;

import io.tiermount.backends.ListPage;
import io.tiermount.backends.ListRequest;
import io.tiermount.backends.ObjectStore;
import io.tiermount.backends.StoreException;
import io.tiermount.fs.meta.MetaException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads directories: from the store's LIST pages, which go to the index as they pass, or from the
 * index while its listing is fresh (or the store is down). Safe from any thread.
 */
final class Listings {
  private static final int INDEX_WINDOW = 1_000;

  private final ObjectStore store;
  private final FactsStore facts;
  private final Resolver resolver;
  private final StoreHealth health;
  private final boolean full;
  private final InstantSource clock;
  private volatile @Nullable LocalNames local;

  Listings(
      ObjectStore store,
      FactsStore facts,
      Resolver resolver,
      StoreHealth health,
      boolean full,
      InstantSource clock) {
    this.store = store;
    this.facts = facts;
    this.resolver = resolver;
    this.health = health;
    this.full = full;
    this.clock = clock;
  }

  /** What this node changed overrules pages that were asked for before. */
  void overlay(LocalNames names) {
    local = names;
  }

  /** Notes what a page shows, but for names that this node has changed since it was asked for. */
  private void note(long dirId, List<DirEntry> entries, long askedAtMillis) {
    LocalNames names = local;
    facts.putAll(
        dirId,
        names == null
            ? entries
            : entries.stream()
                .filter(e -> names.overruling(dirId, e.name(), askedAtMillis) == null)
                .toList());
  }

  /**
   * Begins to read a directory.
   *
   * @param maxAgeMillis how old a listing in the index may be
   */
  ObjectDirectory.Windows open(long dirId, String dirKey, long maxAgeMillis) {
    long listedAt = facts.listedAt(dirId);
    if (listedAt != 0 && clock.millis() - listedAt < maxAgeMillis) {
      return new FromIndex(dirId, listedAt);
    }
    if (listedAt != 0 && health.down()) {
      if (health.probe()) {
        Thread.startVirtualThread(() -> ask(dirKey));
      }
      return new FromIndex(dirId, listedAt);
    }
    return new FromStore(dirId, dirKey, listedAt);
  }

  /** Whether the store is back: the cheapest listing, for which nobody waits. */
  private void ask(String dirKey) {
    try {
      ListPage _ = store.list(new ListRequest(dirKey, null, null, null, 1));
      health.answered();
    } catch (StoreException e) {
      boolean _ = health.failed(e);
    }
  }

  /** What a listing found in the index. */
  private final class FromIndex implements ObjectDirectory.Windows {
    private final long dirId;
    private final long listedAt;
    private String last = "";
    private boolean end;

    private FromIndex(long dirId, long listedAt) {
      this.dirId = dirId;
      this.listedAt = listedAt;
    }

    @Override
    public @Nullable List<DirEntry> next() throws StoreException {
      if (end) {
        return null;
      }
      try {
        FactsStore.Window window = facts.scan(dirId, last, listedAt, INDEX_WINDOW);
        last = window.last();
        end = window.end();
        return window.entries();
      } catch (MetaException e) {
        throw new StoreException(
            StoreException.Kind.LOCAL_IO,
            "",
            "the cache's index can't be read: " + e.getMessage(),
            e);
      }
    }
  }

  /** What the store lists, page by page. */
  private final class FromStore implements ObjectDirectory.Windows {
    private final long dirId;
    private final ListingMerger merger;
    private final long startedAt;
    private final long listedBefore;
    private @Nullable ListRequest request;
    private ObjectDirectory.@Nullable Windows instead;
    private final boolean known;

    private FromStore(long dirId, String dirKey, long listedBefore) {
      this.dirId = dirId;
      this.merger = new ListingMerger(dirKey);
      this.startedAt = clock.millis();
      this.listedBefore = listedBefore;
      this.request = ListRequest.directory(dirKey);
      this.known = full && hasFacts(dirId);
    }

    @Override
    public @Nullable List<DirEntry> next() throws StoreException {
      if (instead != null) {
        return instead.next();
      }
      ListRequest wanted = request;
      if (wanted == null) {
        return null;
      }
      ListPage page;
      long askedAt = clock.millis();
      try {
        page = store.list(wanted);
        health.answered();
      } catch (StoreException e) {
        if (health.failed(e) && wanted.token() == null && listedBefore != 0) {
          instead = new FromIndex(dirId, listedBefore);
          return instead.next();
        }
        throw e;
      }
      List<DirEntry> merged = merger.merge(page, askedAt);
      // Nothing is known of a directory that is listed for the first time.
      List<DirEntry> entries = known || !full ? completed(dirId, merged) : merged;
      note(dirId, entries, startedAt);
      if (merger.folderMarkers()) {
        resolver.folderMarkersSeen();
      }
      request = page.nextToken() == null ? null : wanted.next(page.nextToken());
      if (request == null) {
        facts.listed(dirId, startedAt);
      }
      return entries;
    }
  }

  /** Metadata that was fetched for the same version stays known. */
  private List<DirEntry> completed(long dirId, List<DirEntry> entries) {
    List<DirEntry> out = new ArrayList<>(entries.size());
    for (DirEntry entry : entries) {
      out.add(new DirEntry(entry.name(), entry.segment(), completed(dirId, entry)));
    }
    return out;
  }

  private Facts completed(long dirId, DirEntry entry) {
    Facts listed = entry.facts();
    if (!full) {
      return listed.withPosix(PosixMetadata.NONE);
    }
    if (listed.posix() != null) {
      return listed;
    }
    Facts old = facts.get(dirId, entry.name());
    if (old == null || old.posix() == null || old.directory() != listed.directory()) {
      return listed;
    }
    // A listing shows no version of a directory's marker: what was read of it stays.
    boolean marker = listed.directory() && listed.key() == null;
    return marker || old.sameObject(listed) ? old.seenAt(listed.seenAtMillis()) : listed;
  }

  /**
   * Lists one page of a directory behind a key: what it shows is fresh then.
   *
   * @param after null for the first page
   * @return true where nothing is behind it
   */
  boolean refresh(long dirId, String dirKey, @Nullable String after) throws StoreException {
    long askedAt = clock.millis();
    ListPage page = store.list(new ListRequest(dirKey, "/", null, after, ListRequest.MAX_KEYS));
    health.answered();
    List<DirEntry> merged = new ListingMerger(dirKey).merge(page, askedAt);
    note(dirId, completed(dirId, merged), askedAt);
    return page.nextToken() == null;
  }

  private boolean hasFacts(long dirId) {
    try {
      return !facts.scan(dirId, "", 0, 1).entries().isEmpty();
    } catch (MetaException e) {
      return false;
    }
  }
}
