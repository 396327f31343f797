package io.tiermount.daemon.config;

import io.tiermount.fs.fuse.FuseOptions;
import io.tiermount.fs.scope.ScopeKind;
import io.tiermount.fs.volume.VolumeOptions;
import java.nio.file.Path;

/**
 * One mount.
 *
 * @param name its key under {@code mounts}
 * @param path where it is mounted, absolute
 */
public record MountConfig(
    String name,
    Path path,
    ScopeKind scope,
    SourceConfig source,
    FuseOptions fuse,
    VolumeOptions volume) {}
