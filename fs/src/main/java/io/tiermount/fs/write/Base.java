package io.tiermount.fs.write;

import io.tiermount.backends.Version;

/**
 * The object in the store that a file's content was the same as when it was last published, or when
 * its writer took it over.
 */
public record Base(String key, Version version, long sizeBytes) {}
