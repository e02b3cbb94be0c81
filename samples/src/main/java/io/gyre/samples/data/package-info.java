/**
 * Labelled images to learn from: drawn, made up, or read from files; each in a part to train on and a part held out.
 */
@NullMarked
package io.gyre.samples.data;

import org.jspecify.annotations.NullMarked;
