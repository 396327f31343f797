package io.tiermount.daemon.admin;

import java.util.List;
import java.util.Locale;

/**
 * What a reload did. What did not change is not in it.
 *
 * @param steps in the order in which they were taken
 */
public record ReloadReport(List<Step> steps) {
  public ReloadReport {
    steps = List.copyOf(steps);
  }

  /**
   * One change.
   *
   * @param what a mount's path, or the section of the configuration
   * @param reason why it was not done, or done so; "" where there is nothing to say
   */
  public record Step(String what, Outcome outcome, String reason) {}

  /** What became of it. */
  public enum Outcome {
    ADDED(true),
    /** Drained and unmounted. */
    REMOVED(true),
    /** Under open files. */
    CHANGED(true),
    /** Drained, unmounted, and mounted anew. */
    REMOUNTED(true),
    /** As it was: what was asked for can't be done now. */
    KEPT(false),
    /** Not mounted. */
    FAILED(false);

    private final boolean done;

    Outcome(boolean done) {
      this.done = done;
    }

    /** As people read it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** True where all that was asked for was done. */
  public boolean complete() {
    return steps.stream().allMatch(step -> step.outcome().done);
  }
}
