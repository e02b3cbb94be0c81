/** A queue of trainings on one machine: jobs in a directory, and a worker that starts them when there is room. */
@NullMarked
package io.gyre.queue;

import org.jspecify.annotations.NullMarked;
