/** Runs that are kept: what a training leaves in its directory, and the commands that list, compare and continue it. */
@NullMarked
package io.gyre.runs;

import org.jspecify.annotations.NullMarked;
