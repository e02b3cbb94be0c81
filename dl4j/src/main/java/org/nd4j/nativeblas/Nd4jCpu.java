package org.nd4j.nativeblas;

import org.jspecify.annotations.NullMarked;

/**
 * Makes Deeplearning4j 1.0.0-M2.1 find its own oneDNN layers.
 *
 * <p>Its {@code BaseMKLDNNHelper} asks a class of this name whether oneDNN may be used, by reflection. ND4J's class
 * moved to another package long ago, so the answer is always no, and convolution, pooling and BatchNorm take a slow
 * path: on a CPU, LeNet trains 4 times and ResNet-50 nearly 3 times as fast without it. This class answers yes.
 *
 * <p>This class alone changes nothing: the layers ask only in a JVM that is started with {@code
 * -Dorg.eclipse.deeplearning4j.helpers.disable=false}, because M2.1 disables helpers by default. Results then differ in
 * the last digits, because sums are computed in another order.
 */
@NullMarked
public final class Nd4jCpu {

    private Nd4jCpu() {}

    /** What {@code BaseMKLDNNHelper} looks for. */
    public static final class Environment {

        private static final Environment INSTANCE = new Environment();

        private Environment() {}

        /** The only instance. */
        public static Environment getInstance() {
            return INSTANCE;
        }

        /** Always true: whether the backend is a CPU, and allows helpers, has been asked before. */
        public boolean isUseMKLDNN() {
            return true;
        }
    }
}
