@NullMarked
package io.tiermount.daemon.cli;

import org.jspecify.annotations.NullMarked;
