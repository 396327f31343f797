/** The file system: one switch over the kernel's requests. */
@NullMarked
package io.tiermount.fs;

import org.jspecify.annotations.NullMarked;
