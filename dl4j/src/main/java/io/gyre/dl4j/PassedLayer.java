package io.gyre.dl4j;

import org.deeplearning4j.nn.api.Layer;

/**
 * A layer of a training pass.
 *
 * @param name as in the names of its parameters
 * @param hasBackward whether the backward pass gets as far as this layer: it ends at the first frozen one
 */
record PassedLayer(String name, Layer layer, boolean hasBackward) {}
