package io.tiermount.fs.volume;

import io.tiermount.fs.tree.Node;
import io.tiermount.fs.tree.Nodes;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Which requests of the kernel have changed something: one that comes again, since the process that
 * took it ended before it had answered, must not change it twice. Safe from any thread.
 */
public final class Requests {
  private final ChangeJournal journal;
  private final LocalNames names;
  private final Nodes nodes;
  private final Publishing publishing;

  Requests(Publishing.Parts parts, Publishing publishing) {
    this.journal = parts.journal();
    this.names = parts.names();
    this.nodes = parts.nodes();
    this.publishing = publishing;
  }

  /** The node that a request made, moved or removed; null where it did not get that far. */
  public @Nullable Node changedBy(long number) throws IOException {
    Long nodeId = journal.happenedBefore(number);
    return nodeId == null ? null : nodes.byId(nodeId);
  }

  /** The kernel has taken the answer: the request never comes again. */
  public void answered(long number) {
    if (number != 0) {
      journal.answered(number);
    }
  }

  /** Waits for a name's change as its request would have, had it not been cut short. */
  public void promised(Node dir, String name) throws IOException {
    NameChange change = names.change(dir, name);
    Node present = change == null ? null : change.present();
    LocalFile file = present == null ? null : names.file(present);
    if (change != null && change.isPending() && (file == null || !file.isUnfinished())) {
      publishing.promised(change);
    }
  }
}
