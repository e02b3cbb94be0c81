/**
 * Who takes part in a run: the coordinator that ranks join and that watches over them, as a state machine, and its
 * messages.
 */
@NullMarked
package io.gyre.membership;

import org.jspecify.annotations.NullMarked;
