package io.gyre.dl4j;

import io.gyre.ElementType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The variables that a graph trains, in the order of one flat vector: that whose gradient the graph computes last comes
 * first, so that a pass completes the vector of gradients from its end, as networks do.
 *
 * <p>Trained are the variables that {@code SameDiff.fit} trains: those of type {@code VARIABLE} with a gradient.
 */
final class SameDiffVariables {

    /**
     * A variable, and its part of the vectors.
     *
     * @param gradient name of the variable's gradient in the gradient function
     * @param offset in elements
     * @param array in which the graph keeps it; of the graph
     */
    record Trained(String name, String gradient, long offset, INDArray array) {

        long length() {
            return array.length();
        }

        /** A part of a flat vector, in the shape and order of the variable: a view. */
        INDArray viewOf(INDArray flat) {
            long[] shape = array.shape();
            INDArray view =
                    Nd4j.create(flat.data(), shape, Nd4j.getStrides(shape, array.ordering()), offset, array.ordering());
            view.setCloseable(false);
            return view;
        }
    }

    private final SameDiff gradientFunction;
    private final List<Trained> trained;
    private final DataType type;
    private final long elements;

    private SameDiffVariables(SameDiff gradientFunction, List<Trained> trained) {
        this.gradientFunction = gradientFunction;
        this.trained = List.copyOf(trained);
        type = trained.get(0).array().dataType();
        elements = trained.stream().mapToLong(Trained::length).sum();
    }

    /**
     * Finds the variables. Creates the graph's gradient function, as {@code fit} does, if there is none.
     *
     * @throws IllegalArgumentException if there is no variable to train, or if ranks cannot add up their gradients
     */
    static SameDiffVariables of(SameDiff graph) {
        if (graph.getFunction("grad") == null) {
            differentiate(graph);
        }
        SameDiff gradientFunction = graph.getFunction("grad");
        Map<String, Integer> computedAt = new HashMap<>();
        int index = 0;
        for (SameDiffOp op : gradientFunction.getOps().values()) {
            for (String output : op.getOutputsOfOp()) {
                computedAt.put(output, index);
            }
            index++;
        }
        List<SDVariable> found = new ArrayList<>();
        for (Variable each : graph.getVariables().values()) {
            SDVariable variable = each.getVariable();
            if (variable.getVariableType() == VariableType.VARIABLE
                    && variable.dataType().isFPType()
                    && gradientOf(gradientFunction, variable) != null) {
                found.add(variable);
            }
        }
        check(graph, found);
        // A gradient that no op computes is known only after the pass: it comes first.
        found.sort(Comparator.comparing((SDVariable variable) -> computedAt.getOrDefault(
                        gradientOf(gradientFunction, variable).name(), Integer.MAX_VALUE))
                .reversed()
                .thenComparing(SDVariable::name));
        List<Trained> trained = new ArrayList<>();
        long offset = 0;
        for (SDVariable variable : found) {
            INDArray array = variable.getArr();
            trained.add(new Trained(
                    variable.name(), gradientOf(gradientFunction, variable).name(), offset, array));
            offset += array.length();
        }
        return new SameDiffVariables(gradientFunction, trained);
    }

    private static void differentiate(SameDiff graph) {
        try {
            graph.createGradFunction();
        } catch (IllegalStateException e) {
            throw new IllegalArgumentException(
                    "the SameDiff has nothing to train, or no loss: " + e.getMessage()
                            + " Create parameters with SameDiff.var, and name the losses with setLossVariables",
                    e);
        }
    }

    private static SDVariable gradientOf(SameDiff gradientFunction, SDVariable variable) {
        return gradientFunction.getVariable(variable.name()).getGradient();
    }

    private static void check(SameDiff graph, List<SDVariable> found) {
        if (found.isEmpty()) {
            throw new IllegalArgumentException(
                    "the SameDiff has nothing to train: none of its variables of type VARIABLE"
                            + " has a gradient of its losses " + graph.getLossVariables()
                            + ". Create parameters with SameDiff.var, and name the losses with setLossVariables");
        }
        SDVariable first = found.get(0);
        for (SDVariable variable : found) {
            DataType type = variable.dataType();
            if (type != DataType.FLOAT && type != DataType.DOUBLE) {
                throw new IllegalArgumentException("variable '" + variable.name() + "' of the SameDiff has the type "
                        + type + "; variables of FLOAT and DOUBLE can be trained on several ranks");
            }
            if (type != first.dataType()) {
                throw new IllegalArgumentException("the variables of the SameDiff have different types: '"
                        + first.name() + "' has " + first.dataType() + ", and '" + variable.name() + "' has " + type
                        + ". Make them all FLOAT or all DOUBLE, for example with convertDataTypes");
            }
            if (variable.getArr() == null) {
                throw new IllegalArgumentException(
                        "variable '" + variable.name() + "' of the SameDiff has no array: give it one");
            }
        }
    }

    /** Computes the gradients; of the graph, with its variables, losses and ops among others. */
    SameDiff gradientFunction() {
        return gradientFunction;
    }

    /** In the order of the vectors. */
    List<Trained> list() {
        return trained;
    }

    DataType type() {
        return type;
    }

    /** Length of the vectors. */
    long elements() {
        return elements;
    }

    ModelLayout layout() {
        return new ModelLayout(
                trained.stream()
                        .map(each -> new ModelLayout.Parameter(
                                each.name(),
                                each.name(),
                                LongStream.of(each.array().shape()).boxed().toList(),
                                each.array().ordering()))
                        .toList(),
                type == DataType.FLOAT ? ElementType.FLOAT32 : ElementType.FLOAT64);
    }

    /** The part of each variable in a flat vector: views. */
    List<INDArray> viewsOf(INDArray flat) {
        return trained.stream().map(each -> each.viewOf(flat)).toList();
    }
}
