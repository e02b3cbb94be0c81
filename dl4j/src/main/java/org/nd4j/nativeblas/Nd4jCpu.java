package org.nd4j.nativeblas;

import org.jspecify.annotations.NullMarked;

/**
 * Lets Deeplearning4j 1.0.0-M2.1 find its own oneDNN layers.
 *
 * <p>Its {@code BaseMKLDNNHelper} asks a class of this name whether oneDNN may be used, by reflection. ND4J's class
 * moved to another package long ago, so the answer is always no, and convolution, pooling and BatchNorm take a slow
 * path: LeNet trains 4 times, ResNet-50 nearly 3 times faster without it on a CPU. This class says yes.
 *
 * <p>That alone changes nothing: the layers ask only in a JVM that is started with {@code
 * -Dorg.eclipse.deeplearning4j.helpers.disable=false}, because M2.1 has helpers off by default. Results then differ in
 * the last digits, as sums are made in another order.
 */
@NullMarked
public final class Nd4jCpu {

    private Nd4jCpu() {}

    /** What {@code BaseMKLDNNHelper} looks for. */
    public static final class Environment {

        private static final Environment INSTANCE = new Environment();

        private Environment() {}

        /** The only one. */
        public static Environment getInstance() {
            return INSTANCE;
        }

        /** Always true: whether the backend is a CPU, and allows helpers, has been asked before. */
        public boolean isUseMKLDNN() {
            return true;
        }
    }
}
