package io.gyre.dl4j;

import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.impl.reduce.Mmul;

/**
 * Finds matrix products whose result is undefined. A {@code matmul} computes alpha·A·B + beta·C, and C is what its
 * output array holds before. SameDiff gives it an array of its cache, with whatever an earlier op has left there.
 *
 * <p>The ONNX importer of 1.0.0-M2.1 makes {@code MatMul} an op with alpha 0 and beta 1 ({@code OnnxOpDeclarations},
 * {@code matMul}), and {@code Gemm} one with the beta that ONNX has for a third input, which it drops.
 */
final class UndefinedProducts {

    private UndefinedProducts() {}

    /**
     * Refuses a graph with one.
     *
     * @throws IllegalArgumentException with the op, and what to do
     */
    static void refuse(SameDiff graph) {
        refuse(graph, "the SameDiff");
        SameDiff gradientFunction = graph.getFunction("grad");
        if (gradientFunction != null) {
            refuse(gradientFunction, "the gradient function of the SameDiff");
        }
    }

    private static void refuse(SameDiff graph, String where) {
        for (SameDiffOp op : graph.getOps().values()) {
            if (op.getOp() instanceof Mmul product && beta(product) != 0) {
                throw new IllegalArgumentException("op '" + op.getName() + "' of " + where
                        + " is a matmul with alpha " + product.getTArgument(0) + " and beta " + beta(product)
                        + ": it adds beta times what its output array happens to hold, so its result is undefined, in"
                        + " fit too. The ONNX importer makes such ops. Give it alpha 1 and beta 0 right after the"
                        + " import, as docs/training.md shows under 'Imported graphs'");
            }
        }
    }

    private static double beta(Mmul product) {
        return product.numTArguments() < 2 ? 0 : product.getTArgument(1);
    }
}
