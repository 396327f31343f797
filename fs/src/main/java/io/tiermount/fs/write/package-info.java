/** The write side: what a mount promises about what was written, and how it reaches the store. */
@NullMarked
package io.tiermount.fs.write;

import org.jspecify.annotations.NullMarked;
