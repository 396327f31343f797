@NullMarked
package io.tiermount.fs.cache;

import org.jspecify.annotations.NullMarked;
