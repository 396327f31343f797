package io.tiermount.fs.cache;

import io.tiermount.backends.Version;

/**
 * What a cached content is a copy of. The scope is part of it, so that nothing is shared between
 * mounts by accident.
 *
 * @param scope the mount's own name space in the cache: its source and prefix
 * @param key the object's key
 */
public record ContentKey(String scope, String key, Version version) {}
