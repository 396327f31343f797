package io.tiermount.fs.volume;

import io.tiermount.backends.os.Errno;
import io.tiermount.backends.os.ErrnoException;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import io.tiermount.fs.volume.ChangeJournal.MoveRecord;
import io.tiermount.fs.volume.NameChange.InStore;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Renames. A file that the store does not have yet goes there under its new name alone; one that it
 * has is copied on the server side and deleted under the old name; a directory is moved by {@link
 * DirectoryMoves}. A rename replaces whatever has the new name, as rename(2) does: the last one
 * wins, also between nodes.
 */
public final class Renames {
  private final LocalNames names;
  private final Quota quota;
  private final ChangeJournal journal;
  private final Publishing publishing;
  private final DirectoryMoves moves;
  private final Nodes nodes;
  private final InstantSource clock;
  private final Changes changes;

  Renames(Publishing.Parts parts, Publishing publishing, DirectoryMoves moves, Changes changes) {
    this.names = parts.names();
    this.quota = parts.quota();
    this.journal = parts.journal();
    this.nodes = parts.nodes();
    this.clock = parts.clock();
    this.publishing = publishing;
    this.moves = moves;
    this.changes = changes;
  }

  /** A name and what it stands for. */
  public record Named(Node node, Facts facts) {}

  /**
   * Renames; the caller has checked what rename(2) checks (types, an empty target, no loop).
   *
   * @param target what has the new name now; null for nothing
   */
  public void rename(Named what, Node newDir, String newName, @Nullable Named target)
      throws IOException {
    String segment = changes.segment(newDir, newName);
    Node node = what.node();
    Node oldDir = node.parent();
    if (oldDir == null) {
      throw new ErrnoException("renaming the mount's root", Errno.EBUSY);
    }
    if (what.facts().directory()) {
      awaitQuiet(node, LocalNames.pathKey(newDir) + segment + "/", target);
    }
    NameChange from;
    NameChange to;
    LocalFile file;
    names.lock.lock();
    try {
      LocalFile known = names.file(node);
      file = known != null ? known : WriteOpens.local(node, names.newest(node, what.facts()));
      boolean directory = file.isDirectory();
      from = names.changing(oldDir, node.name(), node.segment(), InStore.UNKNOWN);
      to = names.changing(newDir, newName, segment, InStore.UNKNOWN);
      String old = LocalNames.storeKey(node);
      from.shallBe(null, directory, clock.millis());
      LocalNames.alsoKey(from, what.facts());
      to.shallBe(node, directory, clock.millis());
      to.inStore(InStore.UNKNOWN);
      to.alsoKey(null);
      MoveRecord move =
          directory
              ? new MoveRecord(node.id(), old, LocalNames.pathKey(newDir) + segment + "/", false)
              : null;
      if (move != null) {
        from.inStore(InStore.NOTHING);
      }
      if (target != null) {
        quota.leaves(target.node(), names.file(target.node()), target.facts());
      }
      String oldKey = Quota.key(node, directory);
      forgetTarget(target);
      LocalFile moved = file;
      nodes.move(
          node,
          newDir,
          newName,
          segment,
          (batch, _) -> {
            journal.put(batch, from);
            journal.put(batch, to);
            journal.put(batch, moved);
            if (move != null) {
              journal.put(batch, move);
            }
            journal.happened(batch, node.id());
            LocalFile lost = target == null ? null : names.file(target.node());
            if (lost != null && lost.content() == null) {
              journal.remove(batch, lost);
            }
          });
      names.add(file);
      quota.renamed(file, oldKey);
      node.attach(changes.facts(file));
      if (move != null) {
        moves.begin(node, move);
      } else {
        publishing.borrows(file);
      }
      changes.keep(oldDir);
    } finally {
      names.lock.unlock();
    }
    retireTarget(target);
    promise(file, from, to);
  }

  /** Nothing else goes on below either name, and what lay there before is removed. */
  private void awaitQuiet(Node node, String to, @Nullable Named target) throws IOException {
    String from = LocalNames.storeKey(node);
    moves.awaitQuiet(from);
    moves.awaitQuiet(to);
    List<NameChange> left = new ArrayList<>(names.leftBelow(from));
    left.addAll(names.leftBelow(LocalNames.pathKey(node)));
    left.addAll(names.leftBelow(to));
    if (target != null) {
      names.changesIn(target.node()).stream().filter(NameChange::isPending).forEach(left::add);
    }
    for (NameChange change : left) {
      publishing.await(change);
    }
  }

  private void forgetTarget(@Nullable Named target) {
    if (target == null) {
      return;
    }
    target.node().unlinked(true);
    names.disown(target.node());
    names.detach(target.node());
    LocalFile lost = names.file(target.node());
    if (lost != null && lost.content() == null) {
      names.remove(lost);
    }
  }

  private void retireTarget(@Nullable Named target) {
    LocalFile lost = target == null ? null : names.file(target.node());
    if (lost != null) {
      publishing.retire(lost);
    }
  }

  private void promise(LocalFile file, NameChange from, NameChange to) throws IOException {
    if (file.isDirectory()) {
      // Visible here; the store follows (SEMANTICS).
      publishing.now(to);
      publishing.now(from);
      return;
    }
    // Also where the other fails, or is sent only by the last close: the old key waits for that.
    publishing.later(from);
    if (file.waitsForWriter(Changes.keyOf(file.node()))) {
      // Its last close sends it, unless that came before it had this name.
      boolean closed = publishing.opens().ifClosed(file.node(), () -> changes.finished(file));
      if (closed) {
        publishing.later(to);
      }
      return;
    }
    publishing.promised(to);
    publishing.promised(from);
  }
}
