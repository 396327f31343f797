/** The commands: words in, text or JSON and an exit code out. */
@NullMarked
package io.tiermount.daemon.cli;

import org.jspecify.annotations.NullMarked;
