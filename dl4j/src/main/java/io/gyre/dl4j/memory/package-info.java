/** Keeps Deeplearning4j 1.0.0-M2.1 from freeing native memory that is in use, and bounds how much waits to be freed. */
@NullMarked
package io.gyre.dl4j.memory;

import org.jspecify.annotations.NullMarked;
