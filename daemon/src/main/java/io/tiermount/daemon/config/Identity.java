package io.tiermount.daemon.config;

import org.jspecify.annotations.Nullable;

/** Who this node is; each part is required only where a mounted prefix uses it. */
public record Identity(
    @Nullable String org,
    @Nullable String cloud,
    @Nullable String cluster,
    @Nullable String user,
    String node) {}
