package io.tiermount.backends;

/** What must hold in the store for a write to happen; checked by the store, atomically. */
public sealed interface WriteCondition {
  /** Replace whatever is there. */
  record Always() implements WriteCondition {}

  /** Only where no object has the key. */
  record IfAbsent() implements WriteCondition {}

  /** Only where the object is still this version. */
  record IfVersion(Version version) implements WriteCondition {}

  WriteCondition ALWAYS = new Always();
  WriteCondition IF_ABSENT = new IfAbsent();
}
