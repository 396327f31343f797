@NullMarked
package io.tiermount.daemon.jobs;

import org.jspecify.annotations.NullMarked;
