package io.tiermount.fs.fuse;

/**
 * Who asks. Requests the kernel makes on its own (writeback, RELEASE, FORGET) carry whatever the
 * kernel put there and decide nothing.
 */
public record Caller(int uid, int gid, int pid) {}
