/** Tests of the configuration. */
@NullMarked
package io.tiermount.daemon.config;

import org.jspecify.annotations.NullMarked;
