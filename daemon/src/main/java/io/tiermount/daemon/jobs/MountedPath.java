package io.tiermount.daemon.jobs;

import java.nio.file.Path;

/**
 * One mount of the kernel's table.
 *
 * @param type of the file system, {@code fuse.tiermount} for ours
 */
public record MountedPath(Path path, String type) {}
