package io.gyre.dl4j.learning;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.Axpy;
import org.nd4j.linalg.factory.Nd4j;

/** Weight decay. */
final class Decay {

    private Decay() {}

    /** {@code values += factor * parameter}. */
    static void add(INDArray parameter, INDArray values, double factor) {
        if (factor != 0) {
            Nd4j.exec(new Axpy(parameter, values, values, factor));
        }
    }
}
