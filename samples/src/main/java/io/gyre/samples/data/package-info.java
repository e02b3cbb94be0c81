/** Labelled images: drawn, synthetic, or read from files; each set has a part to train on and a part held out. */
@NullMarked
package io.gyre.samples.data;

import org.jspecify.annotations.NullMarked;
