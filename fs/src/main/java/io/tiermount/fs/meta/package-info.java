/**
 * The two RocksDB instances of a cache directory: {@code index/} holds facts that may be lost,
 * {@code state/} what must not be.
 */
@NullMarked
package io.tiermount.fs.meta;

import org.jspecify.annotations.NullMarked;
