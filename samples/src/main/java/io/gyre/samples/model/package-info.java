/** The models that the samples train: nothing in them knows that training is distributed. */
@NullMarked
package io.gyre.samples.model;

import org.jspecify.annotations.NullMarked;
