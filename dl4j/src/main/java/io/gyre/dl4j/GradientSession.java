package io.gyre.dl4j;

import io.gyre.training.GradientProgress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.Listener;
import org.nd4j.autodiff.samediff.config.ExecutionResult;
import org.nd4j.autodiff.samediff.config.SDValue;
import org.nd4j.autodiff.samediff.internal.FrameIter;
import org.nd4j.autodiff.samediff.internal.InferenceSession;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Runs a graph forwards and backwards, and leaves the gradients in one flat vector. It is SameDiff's
 * {@code TrainingSession} without the update, which that class does as soon as it has a gradient.
 *
 * <p>An op that computes the gradient of a variable writes it into the vector itself, if it would have written to an
 * array of the same shape and order. Otherwise, and for ops that choose their output, such as an identity, it is copied
 * there.
 */
final class GradientSession extends InferenceSession {

    private final SameDiffVariables variables;
    private final Map<String, Integer> byGradient = new HashMap<>();
    private final Map<String, Integer> byLoss = new HashMap<>();
    private final List<String> outputs = new ArrayList<>();
    private final boolean[] complete;
    private List<INDArray> parts = List.of();
    private int completeFrom;
    private double[] losses = {};
    private @Nullable GradientProgress progress;

    GradientSession(SameDiffVariables variables, List<String> lossVariables) {
        super(variables.gradientFunction());
        this.variables = variables;
        List<SameDiffVariables.Trained> trained = variables.list();
        complete = new boolean[trained.size()];
        for (int i = 0; i < trained.size(); i++) {
            byGradient.put(trained.get(i).gradient(), i);
            outputs.add(trained.get(i).gradient());
        }
        for (int i = 0; i < lossVariables.size(); i++) {
            byLoss.put(lossVariables.get(i), i);
            outputs.add(lossVariables.get(i));
        }
    }

    /**
     * Computes the gradients of a batch.
     *
     * @param into each variable's part of the vector
     * @param alsoNeeded variables that listeners want
     * @param heard notified how much of the vector is complete; null for none
     * @return the value of each loss; of one that is no scalar, the sum
     */
    double[] run(
            Map<String, INDArray> placeholders,
            MultiDataSet batch,
            List<INDArray> into,
            Set<String> alsoNeeded,
            List<Listener> listeners,
            At at,
            @Nullable GradientProgress heard) {
        parts = into;
        progress = heard;
        losses = new double[byLoss.size()];
        completeFrom = complete.length;
        Arrays.fill(complete, false);
        Set<String> needed = new HashSet<>(outputs);
        needed.addAll(alsoNeeded);
        Map<String, INDArray> results = output(outputs, placeholders, batch, needed, listeners, at);
        for (int i = 0; i < complete.length; i++) {
            if (!complete[i]) {
                parts.get(i).assign(results.get(variables.list().get(i).gradient()));
            }
        }
        progress = null;
        return losses;
    }

    @Override
    public Pair<SameDiffOp, OpContext> getAndParameterizeOp(
            String name,
            FrameIter frame,
            Set<VarId> inputs,
            Set<VarId> allIterationInputs,
            Set<String> constantsAndPlaceholders,
            Map<String, INDArray> placeholders,
            Set<String> required,
            Map<String, SDValue> otherPlaceholders) {
        Pair<SameDiffOp, OpContext> op = super.getAndParameterizeOp(
                name,
                frame,
                inputs,
                allIterationInputs,
                constantsAndPlaceholders,
                placeholders,
                required,
                otherPlaceholders);
        OpContext context = op.getSecond();
        if (context != null) {
            List<String> names = op.getFirst().getOutputsOfOp();
            for (int i = 0; i < names.size(); i++) {
                Integer variable = byGradient.get(names.get(i));
                if (variable != null && i < context.numOutputArguments()) {
                    giveOutput(context, i, parts.get(variable));
                }
            }
        }
        return op;
    }

    /** Lets an op write its output into the vector, unless it is the op's own choice, or arranged differently. */
    private void giveOutput(OpContext context, int output, INDArray part) {
        INDArray allocated = context.getOutputArray(output);
        boolean replaceable = allocated != null
                && allocated.dataType() == part.dataType()
                && allocated.ordering() == part.ordering()
                && Arrays.equals(allocated.shape(), part.shape())
                && Arrays.equals(allocated.stride(), part.stride())
                && !isInput(context, allocated);
        if (replaceable) {
            context.setOutputArray(output, part);
            getMmgr().release(allocated);
        }
    }

    @SuppressWarnings("ReferenceEquality") // Arrays with equal contents are different memory.
    private static boolean isInput(OpContext context, INDArray array) {
        for (int i = 0; i < context.numInputArguments(); i++) {
            if (context.getInputArray(i) == array) {
                return true;
            }
        }
        return false;
    }

    @Override
    public ExecutionResult getOutputs(
            Pair<SameDiffOp, OpContext> op,
            FrameIter frame,
            Set<VarId> inputs,
            Set<VarId> allIterationInputs,
            Set<String> constantsAndPlaceholders,
            List<Listener> listeners,
            At at,
            MultiDataSet batch,
            Set<String> required,
            Map<String, SDValue> otherPlaceholders) {
        ExecutionResult result = super.getOutputs(
                op,
                frame,
                inputs,
                allIterationInputs,
                constantsAndPlaceholders,
                listeners,
                at,
                batch,
                required,
                otherPlaceholders);
        List<String> names = op.getFirst().getOutputsOfOp();
        for (int i = 0; i < names.size(); i++) {
            Integer loss = byLoss.get(names.get(i));
            if (loss != null) {
                INDArray value = result.resultAt(i);
                losses[loss] += value.isScalar()
                        ? value.getDouble(0)
                        : value.sumNumber().doubleValue();
            }
            Integer variable = byGradient.get(names.get(i));
            if (variable != null) {
                keep(variable, result.resultAt(i));
            }
        }
        return result;
    }

    @SuppressWarnings("ReferenceEquality") // By identity: whether the op has written to the vector.
    private void keep(int variable, INDArray gradient) {
        INDArray part = parts.get(variable);
        if (gradient != part) {
            part.assign(gradient);
        }
        complete[variable] = true;
        int before = completeFrom;
        while (completeFrom > 0 && complete[completeFrom - 1]) {
            completeFrom--;
        }
        GradientProgress known = progress;
        if (known != null && completeFrom < before) {
            known.completeFrom(variables.list().get(completeFrom).offset());
        }
    }
}
