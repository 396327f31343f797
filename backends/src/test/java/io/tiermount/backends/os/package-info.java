/** Tests of the system calls. */
@NullMarked
package io.tiermount.backends.os;

import org.jspecify.annotations.NullMarked;
