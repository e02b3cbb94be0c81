package io.gyre.dl4j;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.ops.impl.loss.BaseLoss;

/**
 * How the losses of a batch are made up of those of its parts: found by following each loss back to the op that reduces
 * the examples.
 */
final class SameDiffLosses {

    private static final Set<String> KEEP_NUMBER_OF_NONZEROS =
            Set.of("cast", "identity", "reshape", "expand_dims", "squeeze", "permute", "transpose");

    private static final Set<String> LINEAR = Set.of(
            "cast",
            "identity",
            "reshape",
            "expand_dims",
            "squeeze",
            "neg",
            "add_scalar",
            "sub_scalar",
            "rsub_scalar",
            "mul_scalar",
            "div_scalar");

    private static final Set<String> SUMS = Set.of("add", "subtract", "mergeadd");

    private static final Set<String> REDUCING_SUMS = Set.of("reduce_sum", "reduce_sqnorm", "reduce_norm1", "l2_loss");

    private final SameDiff graph;
    private final Set<String> ofBatch = new HashSet<>();

    private SameDiffLosses(SameDiff graph) {
        this.graph = graph;
    }

    /** What the loss of a batch is, in terms of those of its parts. */
    enum Kind {
        /** The same for all parts: it does not depend on the batch. */
        CONSTANT,
        /** Their mean. */
        MEAN,
        /** Their sum. */
        SUM,
        /** Not known. */
        UNKNOWN
    }

    /**
     * A loss, or all of them.
     *
     * @param weights placeholder whose elements other than 0 are counted for the mean; empty for the examples
     * @param reason why it is not known; otherwise empty
     */
    record Composition(Kind kind, String weights, String reason) {

        static Composition of(Kind kind) {
            return new Composition(kind, "", "");
        }

        static Composition unknown(String reason) {
            return new Composition(Kind.UNKNOWN, "", reason);
        }

        Composition plus(Composition other) {
            if (kind == Kind.UNKNOWN || equals(other)) {
                return this;
            }
            if (other.kind == Kind.UNKNOWN) {
                return other;
            }
            if (kind == Kind.CONSTANT && other.kind == Kind.MEAN) {
                return other;
            }
            if (kind == Kind.MEAN && other.kind == Kind.CONSTANT) {
                return this;
            }
            return unknown("one term is " + text() + ", and another " + other.text());
        }

        private String text() {
            return switch (kind) {
                case CONSTANT -> "independent of the batch";
                case SUM -> "a sum over the examples";
                case MEAN ->
                    weights.isEmpty() ? "a mean over the examples" : "a mean over what '" + weights + "' does not mask";
                case UNKNOWN -> reason;
            };
        }
    }

    /** Finds how all losses together, of which SameDiff minimises the sum, are composed. */
    static Composition of(SameDiff graph) {
        SameDiffLosses losses = new SameDiffLosses(graph);
        losses.findWhatDependsOnTheBatch();
        return graph.getLossVariables().stream()
                .map(losses::of)
                .reduce(Composition::plus)
                .orElseGet(() -> Composition.of(Kind.CONSTANT));
    }

    private void findWhatDependsOnTheBatch() {
        for (Variable variable : graph.getVariables().values()) {
            if (variable.getVariable().isPlaceHolder()) {
                ofBatch.add(variable.getName());
            }
        }
        // Ops are in the order in which they were added; a loop may lead back to an earlier one.
        boolean more = true;
        while (more) {
            more = false;
            for (SameDiffOp op : graph.getOps().values()) {
                List<String> inputs = op.getInputsToOp();
                if (inputs != null && inputs.stream().anyMatch(ofBatch::contains)) {
                    more |= ofBatch.addAll(op.getOutputsOfOp());
                }
            }
        }
    }

    private Composition of(String variable) {
        if (!ofBatch.contains(variable)) {
            return Composition.of(Kind.CONSTANT);
        }
        SameDiffOp op = producer(variable);
        if (op == null) {
            return Composition.unknown("'" + variable + "' is a placeholder");
        }
        DifferentialFunction function = op.getOp();
        List<String> inputs = op.getInputsToOp();
        String name = function.opName();
        if (function instanceof BaseLoss loss) {
            return of(loss.getLossReduce(), variable, inputs.get(1));
        }
        if (LINEAR.contains(name)) {
            return of(inputs.get(0));
        }
        if (SUMS.contains(name)) {
            return inputs.stream().map(this::of).reduce(Composition::plus).orElseThrow();
        }
        if (name.equals("multiply") && !ofBatch.contains(inputs.get(0))) {
            return of(inputs.get(1));
        }
        if ((name.equals("multiply") || name.equals("divide")) && !ofBatch.contains(inputs.get(1))) {
            return of(inputs.get(0));
        }
        boolean overExamples = reducesExamples(function);
        if (name.equals("reduce_mean") && overExamples) {
            return Composition.of(Kind.MEAN);
        }
        if (REDUCING_SUMS.contains(name) && overExamples) {
            return Composition.of(Kind.SUM);
        }
        return Composition.unknown("'" + variable + "' is computed by the op " + name);
    }

    private Composition of(LossReduce reduce, String loss, String weights) {
        if (reduce == LossReduce.SUM || reduce == LossReduce.NONE) {
            return Composition.of(Kind.SUM);
        }
        if (!ofBatch.contains(weights)) {
            return Composition.of(Kind.MEAN);
        }
        String placeholder = maskBehind(weights);
        if (reduce == LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT && !placeholder.isEmpty()) {
            return new Composition(Kind.MEAN, placeholder, "");
        }
        return Composition.unknown("'" + loss + "' is a mean by the weights '" + weights
                + "', which are computed from the batch, or not counted (" + reduce + ")");
    }

    /** The placeholder with the same number of elements other than 0; empty if there is none. */
    private String maskBehind(String variable) {
        String name = variable;
        while (true) {
            SameDiffOp op = producer(name);
            if (op == null) {
                return name;
            }
            if (!KEEP_NUMBER_OF_NONZEROS.contains(op.getOp().opName())) {
                return "";
            }
            name = op.getInputsToOp().get(0);
        }
    }

    private @Nullable SameDiffOp producer(String variable) {
        Variable known = graph.getVariables().get(variable);
        return known == null || known.getOutputOfOp() == null
                ? null
                : graph.getOps().get(known.getOutputOfOp());
    }

    /** Whether the first dimension is among those that a reduction removes; none means all. */
    private static boolean reducesExamples(DifferentialFunction function) {
        int[] dimensions = function.getDimensions();
        return dimensions == null
                || dimensions.length == 0
                || Arrays.stream(dimensions).anyMatch(each -> each == 0 || each == Integer.MAX_VALUE);
    }
}
