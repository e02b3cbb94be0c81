package io.gyre.dl4j;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The sum of the gradients of a batch's earlier passes. Every implementation gives the same bits: it adds element by
 * element, in the order of the passes. Confined to the thread that runs the passes.
 */
interface EarlierPasses {

    /** Replaces the sum with the gradients of the first pass. */
    void start(INDArray gradients);

    /** Adds the gradients of a further pass to the sum. */
    void add(INDArray gradients);

    /**
     * Adds a part of the sum to the same part of the gradients of the last pass.
     *
     * @param from first element
     * @param to after the last element
     */
    void addTo(INDArray gradients, long from, long to);

    /** By ND4J, in an array beside the gradients. HALF is added up in FLOAT, as ranks do. */
    final class InArray implements EarlierPasses {

        private @Nullable INDArray sum;

        @Override
        public void start(INDArray gradients) {
            INDArray target = sum;
            if (target == null || target.length() != gradients.length()) {
                DataType type = gradients.dataType() == DataType.FLOAT16 ? DataType.FLOAT : gradients.dataType();
                target = Nd4j.createUninitializedDetached(type, gradients.length());
                sum = target;
            }
            target.assign(gradients);
        }

        @Override
        public void add(INDArray gradients) {
            INDArray target = started();
            target.addi(gradients.castTo(target.dataType()));
        }

        @Override
        public void addTo(INDArray gradients, long from, long to) {
            var part = NDArrayIndex.interval(from, to);
            INDArray target = gradients.get(part);
            INDArray earlier = started().get(part);
            if (target.dataType() == earlier.dataType()) {
                target.addi(earlier);
            } else {
                target.assign(target.castTo(earlier.dataType()).addi(earlier));
            }
        }

        private INDArray started() {
            INDArray known = sum;
            if (known == null) {
                throw new IllegalStateException("no pass has started the sum");
            }
            return known;
        }
    }
}
