/** Who a mount is for and who may enter. */
@NullMarked
package io.tiermount.fs.scope;

import org.jspecify.annotations.NullMarked;
