@NullMarked
package io.tiermount.fs.meta;

import org.jspecify.annotations.NullMarked;
