/** Updaters and schedules for large batches. They are parts of a Deeplearning4j configuration and need no trainer. */
@NullMarked
package io.gyre.dl4j.learning;

import org.jspecify.annotations.NullMarked;
