@NullMarked
package io.tiermount.daemon.scopes;

import org.jspecify.annotations.NullMarked;
