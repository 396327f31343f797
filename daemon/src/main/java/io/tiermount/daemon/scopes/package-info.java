/** The life of scopes in their buckets: what is there, how much, and what may go. */
@NullMarked
package io.tiermount.daemon.scopes;

import org.jspecify.annotations.NullMarked;
