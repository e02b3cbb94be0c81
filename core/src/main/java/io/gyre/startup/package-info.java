/** What the ranks of a run have to live on, measured before the first step, and what of it limits the run. */
@NullMarked
package io.gyre.startup;

import org.jspecify.annotations.NullMarked;
