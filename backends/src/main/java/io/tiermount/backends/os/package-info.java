/** The leaf everyone may use: system calls through java.lang.foreign, errno values, CRC32C. */
@NullMarked
package io.tiermount.backends.os;

import org.jspecify.annotations.NullMarked;
