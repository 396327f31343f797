package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.Version;
import io.tiermount.fs.tree.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One name that is, or was a moment ago, another thing on this node than in its store: what it
 * shall be, and what the store is known to have under its key. The reconciler brings the store
 * there; changes that come faster than it works are made once.
 */
final class NameChange {
  /** What the store has under the key. */
  sealed interface InStore {
    record Nothing() implements InStore {}

    record Unknown() implements InStore {}

    record Held(Version version) implements InStore {}

    InStore NOTHING = new Nothing();
    InStore UNKNOWN = new Unknown();
  }

  private final Node dir;
  private final String name;
  private final String segment;

  @GuardedBy("this")
  private @Nullable Node present;

  @GuardedBy("this")
  private boolean directory;

  @GuardedBy("this")
  private InStore inStore;

  /** Moves with each change of what it shall be. */
  @GuardedBy("this")
  private long generation = 1;

  @GuardedBy("this")
  private long settledAtMillis;

  @GuardedBy("this")
  private long sinceMillis;

  @GuardedBy("this")
  private final List<CompletableFuture<@Nullable Void>> waiting = new ArrayList<>();

  /** What the name is to those whose question is older than {@link #settledAtMillis}. */
  @GuardedBy("this")
  private @Nullable Facts settledFacts;

  /** Another object that goes when the name goes: a directory's marker of another form. */
  @GuardedBy("this")
  private @Nullable String alsoKey;

  /** The scheduler's: when it is due, in {@link System#nanoTime}; how often it failed. */
  @GuardedBy("this")
  private long dueNanos;

  @GuardedBy("this")
  private int failures;

  /** Since it exists; {@link #failures} are those in a row. */
  @GuardedBy("this")
  private long failedAttempts;

  /** Why the last attempt failed; null where it did not, or while there was none. */
  @GuardedBy("this")
  private @Nullable String failure;

  /** The last generation that the store had. */
  @GuardedBy("this")
  private long sent;

  /** What has to be in the store before; null for nothing, as far as the last attempt saw. */
  private volatile @Nullable NameChange waitsFor;

  @GuardedBy("this")
  private boolean running;

  @GuardedBy("this")
  private boolean otherKind;

  /** It was made to be something. */
  @GuardedBy("this")
  private boolean begun;

  /** A worker began and its end is not known to have been good: the store may have anything. */
  @GuardedBy("this")
  private boolean uncertain;

  NameChange(
      Node dir,
      String name,
      String segment,
      @Nullable Node present,
      boolean directory,
      InStore inStore,
      long nowMillis) {
    this.dir = dir;
    this.name = name;
    this.segment = segment;
    this.present = present;
    this.directory = directory;
    this.inStore = inStore;
    this.sinceMillis = nowMillis;
  }

  Node dir() {
    return dir;
  }

  String name() {
    return name;
  }

  String segment() {
    return segment;
  }

  /** The node the name shall lead to; null where it shall lead nowhere. */
  synchronized @Nullable Node present() {
    return present;
  }

  synchronized boolean isDirectory() {
    return directory;
  }

  synchronized InStore inStore() {
    return inStore;
  }

  synchronized void inStore(InStore known) {
    inStore = known;
  }

  synchronized @Nullable Facts settledFacts() {
    return settledFacts;
  }

  synchronized @Nullable String alsoKey() {
    return alsoKey;
  }

  synchronized void alsoKey(@Nullable String key) {
    alsoKey = key;
  }

  /** Since when the store lags behind. */
  synchronized long sinceMillis() {
    return sinceMillis;
  }

  /** It shall be something else from here on. */
  synchronized void shallBe(@Nullable Node node, boolean isDirectory, long nowMillis) {
    if (settledAtMillis != 0) {
      sinceMillis = nowMillis;
    }
    boolean doubtful = running || uncertain;
    if (begun && directory != isDirectory) {
      // A directory where a file was: its object goes, and the reverse.
      boolean before = otherKind;
      otherKind = doubtful || !(inStore instanceof InStore.Nothing);
      inStore = before ? InStore.UNKNOWN : InStore.NOTHING;
    } else if (node != present && doubtful) {
      // What the store has of the one before is known again when its worker is done.
      inStore = InStore.UNKNOWN;
    }
    begun = true;
    present = node;
    directory = isDirectory;
    touched();
  }

  /** What the name leads to has changed. */
  synchronized void touched() {
    generation++;
    settledAtMillis = 0;
  }

  synchronized long generation() {
    return generation;
  }

  /** True while the store has to be asked or told. */
  synchronized boolean isPending() {
    return settledAtMillis == 0;
  }

  /** When the store was brought there; 0 while it was not. */
  synchronized long settledAtMillis() {
    return settledAtMillis;
  }

  /**
   * The store has it as it was at a generation.
   *
   * @return true where that is still what it shall be
   */
  synchronized boolean settled(long atGeneration, @Nullable Facts facts, long nowMillis) {
    failures = 0;
    sent(atGeneration);
    boolean last = generation == atGeneration;
    if (last) {
      settledAtMillis = nowMillis;
      settledFacts = facts;
      for (CompletableFuture<@Nullable Void> waiter : waiting) {
        waiter.complete(null);
      }
      waiting.clear();
    }
    return last;
  }

  /** One attempt failed: those who wait learn of it, the next attempt comes. */
  synchronized void failed(Throwable why) {
    failures++;
    attemptFailed(why);
    for (CompletableFuture<@Nullable Void> waiter : waiting) {
      waiter.completeExceptionally(why);
    }
    waiting.clear();
  }

  synchronized int failures() {
    return failures;
  }

  /** An attempt failed at what is no longer wanted: nobody who waits has to know. */
  synchronized void attemptFailed(Throwable why) {
    failedAttempts++;
    failure = String.valueOf(why.getMessage());
  }

  synchronized long failedAttempts() {
    return failedAttempts;
  }

  synchronized @Nullable String failure() {
    return failure;
  }

  /** The store has it as it was at a generation; it may be another thing by now. */
  synchronized void sent(long atGeneration) {
    sent = Math.max(sent, atGeneration);
    failure = null;
  }

  /** True where the store has had it as it was at a generation, or later. */
  synchronized boolean wasSent(long atGeneration) {
    return settledAtMillis != 0 || sent >= atGeneration;
  }

  void waitsFor(@Nullable NameChange first) {
    waitsFor = first;
  }

  @Nullable NameChange waitsFor() {
    return waitsFor;
  }

  /** Ends when the store has what the name is now; exceptionally with the next failure. */
  synchronized CompletableFuture<@Nullable Void> whenSettled() {
    if (settledAtMillis != 0) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<@Nullable Void> waiter = new CompletableFuture<>();
    waiting.add(waiter);
    return waiter;
  }

  /** Somebody waits for it. */
  synchronized boolean isAwaited() {
    return !waiting.isEmpty();
  }

  synchronized long dueNanos() {
    return dueNanos;
  }

  synchronized void dueNanos(long nanos) {
    dueNanos = nanos;
  }

  /** One worker at a time; false where another one is at it. */
  synchronized boolean begin() {
    if (running) {
      return false;
    }
    running = true;
    return true;
  }

  /**
   * @param known what the store has is known
   */
  synchronized void end(boolean known) {
    running = false;
    uncertain = !known;
  }

  synchronized boolean isUncertain() {
    return uncertain;
  }

  /**
   * After a restart: what was going on at its end is not known.
   *
   * @param otherKindToo see {@link #hasOtherKind}
   */
  synchronized void restored(boolean otherKindToo) {
    begun = true;
    uncertain = true;
    otherKind = otherKindToo;
  }

  /** The store may have a file's object where this is a directory, or a marker where a file is. */
  synchronized boolean hasOtherKind() {
    return otherKind;
  }

  /** That was removed; {@code isDirectory} is what the name was meanwhile. */
  synchronized void otherKindRemoved(boolean isDirectory) {
    if (directory == isDirectory) {
      otherKind = false;
    }
  }

  @Override
  public String toString() {
    return Objects.toString(dir.path()) + "/" + name;
  }
}
