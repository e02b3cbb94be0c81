package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.kernel.FiniteScan;
import io.gyre.memory.Region;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Gradients in the memory that the model has allocated for them. On a GPU backend that Gyre cannot reach, ND4J copies
 * the whole vector to the host and back.
 */
final class HostGradients implements GradientPlace {

    private final FiniteScan scan = new FiniteScan();
    private INDArray gradients;
    private Region region;

    HostGradients(INDArray gradients) {
        this.gradients = gradients;
        region = regionOf(gradients);
    }

    private static Region regionOf(INDArray gradients) {
        return HostMemory.region("gradients", gradients);
    }

    @Override
    public Region region() {
        return region;
    }

    @Override
    public void replaced(INDArray newGradients) {
        region.close();
        gradients = newGradients;
        region = regionOf(newGradients);
    }

    @Override
    public void beginReduction() {
        HostMemory.beginUse(gradients);
    }

    @Override
    public boolean areFinite() {
        return areFinite(new Chunk(0, gradients.length()));
    }

    /** On a GPU that only ND4J reaches, the sum of absolute values shows NaN and infinity. */
    @Override
    public boolean areFinite(Chunk part) {
        return Nd4j.getEnvironment().isCPU()
                ? scan.isFinite(region, part, HostMemory.elementType(gradients))
                : Double.isFinite(gradients.norm1Number().doubleValue());
    }

    @Override
    public void endReduction() {
        HostMemory.endUse(gradients);
    }

    @Override
    public void close() {
        region.close();
    }
}
