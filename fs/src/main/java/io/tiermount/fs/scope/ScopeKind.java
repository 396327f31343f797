package io.tiermount.fs.scope;

/** Whom a mount belongs to; decides its default prefix and who may enter. */
public enum ScopeKind {
  LOCAL,
  CLUSTER,
  USER,
  SHARED
}
