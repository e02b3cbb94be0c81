/** A rank's part in a run: its world, exchanges of small values with all others, groups, and the loss of peers. */
@NullMarked
package io.gyre.session;

import org.jspecify.annotations.NullMarked;
