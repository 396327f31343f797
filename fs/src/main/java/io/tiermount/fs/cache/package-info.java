/**
 * Blocks of objects on local NVMe: one sparse data file per content, one budget over all mounts.
 */
@NullMarked
package io.tiermount.fs.cache;

import org.jspecify.annotations.NullMarked;
