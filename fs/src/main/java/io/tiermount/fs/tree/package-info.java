/** Nodes and handles: what the kernel holds of us. */
@NullMarked
package io.tiermount.fs.tree;

import org.jspecify.annotations.NullMarked;
