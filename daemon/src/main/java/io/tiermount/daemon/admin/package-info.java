/**
 * The daemon's own door: HTTP/1.1 with JSON over a unix socket, and the client that the commands
 * use.
 */
@NullMarked
package io.tiermount.daemon.admin;

import org.jspecify.annotations.NullMarked;
