/** Volumes: a namespace with attributes and contents over a store. */
@NullMarked
package io.tiermount.fs.volume;

import org.jspecify.annotations.NullMarked;
