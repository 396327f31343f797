package io.tiermount.fs.scope;

/** Whom an allow or deny list names. */
public sealed interface Principal {
  /** {@code "*"}: every uid on the node. */
  record Everyone() implements Principal {}

  /** A user of the node. */
  record User(int uid) implements Principal {}

  /** A group of the node: the caller's own or a supplementary one. */
  record Group(int gid) implements Principal {}
}
