/** What jobs see: their volumes, their environment, their own view of the node's mounts. */
@NullMarked
package io.tiermount.daemon.jobs;

import org.jspecify.annotations.NullMarked;
