package io.tiermount.fs.fuse;

/**
 * A name resolved. Each one that reaches the kernel with a node id other than 0 raises that node's
 * lookup count by one.
 *
 * @param nodeId 0 in a LOOKUP answer means "no such name, remember that for entryTtl"; 0 in a
 *     READDIRPLUS entry means "not resolved, look it up when needed"
 * @param generation with the node id unique over the mount's life
 * @param entryTtlNanos how long the kernel may keep name → node
 * @param attrTtlNanos how long it may keep the attributes
 */
public record NodeEntry(
    long nodeId, long generation, long entryTtlNanos, long attrTtlNanos, Attributes attributes) {}
