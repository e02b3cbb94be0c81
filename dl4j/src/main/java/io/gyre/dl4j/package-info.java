/** Training of Deeplearning4j models on many ranks. */
@NullMarked
package io.gyre.dl4j;

import org.jspecify.annotations.NullMarked;
