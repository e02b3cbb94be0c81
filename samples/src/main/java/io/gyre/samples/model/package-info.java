/** The models of the samples: plain Deeplearning4j models, independent of distribution. */
@NullMarked
package io.gyre.samples.model;

import org.jspecify.annotations.NullMarked;
