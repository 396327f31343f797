@NullMarked
package io.tiermount.fs.scope;

import org.jspecify.annotations.NullMarked;
