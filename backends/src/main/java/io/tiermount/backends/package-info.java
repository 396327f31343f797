/** Stores: objects replaced whole and files changed in place, behind one contract each. */
@NullMarked
package io.tiermount.backends;

import org.jspecify.annotations.NullMarked;
