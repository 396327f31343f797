@NullMarked
package io.tiermount.daemon.admin;

import org.jspecify.annotations.NullMarked;
