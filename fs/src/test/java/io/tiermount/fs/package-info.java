/** Whole mounts over stores of the tests. */
@NullMarked
package io.tiermount.fs;

import org.jspecify.annotations.NullMarked;
