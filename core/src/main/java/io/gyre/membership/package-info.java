/**
 * Membership of a run: the coordinator that ranks join and that supervises them, as a state machine, and its messages.
 */
@NullMarked
package io.gyre.membership;

import org.jspecify.annotations.NullMarked;
