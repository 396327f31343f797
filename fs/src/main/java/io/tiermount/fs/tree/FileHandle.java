package io.tiermount.fs.tree;

import io.tiermount.backends.Version;
import io.tiermount.fs.cache.CachedFile;
import io.tiermount.fs.read.ReadAhead;

/**
 * One open of a file, from OPEN to RELEASE.
 *
 * @param id what the kernel sends back as its file handle
 * @param version the one it was opened on; every byte it reads is of it
 */
public record FileHandle(
    long id, Node node, Version version, CachedFile file, ReadAhead readAhead) {}
