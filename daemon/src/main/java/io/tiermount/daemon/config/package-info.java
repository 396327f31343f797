/** Configuration text in, immutable records out; the only place that knows Typesafe Config. */
@NullMarked
package io.tiermount.daemon.config;

import org.jspecify.annotations.NullMarked;
