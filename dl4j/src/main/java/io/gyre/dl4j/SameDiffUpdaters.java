package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;

/**
 * The updaters of a graph's variables, with their state in one flat vector. They stand in for the graph's own until
 * {@link #close}, so that what saves the graph saves this state.
 */
final class SameDiffUpdaters implements AutoCloseable {

    private final SameDiff graph;
    private final SameDiffVariables variables;
    private final @Nullable INDArray state;
    private final List<GradientUpdater<?>> own = new ArrayList<>();
    private final List<GradientUpdater<?>> inUse = new ArrayList<>();

    /** Moves the state, which SameDiff creates if there is none. */
    SameDiffUpdaters(SameDiff graph, SameDiffVariables variables) {
        this.graph = graph;
        this.variables = variables;
        if (!graph.isInitializedTraining()) {
            HiddenMethod.of(SameDiff.class, "initializeTraining").call(graph);
        }
        long length = 0;
        for (SameDiffVariables.Trained variable : variables.list()) {
            GradientUpdater<?> updater = graph.getUpdaterMap().get(variable.name());
            if (updater == null) {
                throw new IllegalArgumentException("variable '" + variable.name() + "' was added to the SameDiff after"
                        + " its updaters were made, and has none: make the whole graph before it is trained");
            }
            own.add(updater);
            length += stateLength(updater, variable);
        }
        state = length == 0 ? null : Nd4j.create(variables.type(), length);
        long offset = 0;
        for (int i = 0; i < own.size(); i++) {
            SameDiffVariables.Trained variable = variables.list().get(i);
            long ofVariable = stateLength(own.get(i), variable);
            INDArray part = state == null || ofVariable == 0
                    ? null
                    : state.get(NDArrayIndex.interval(offset, offset + ofVariable))
                            .reshape(1, ofVariable);
            inUse.add(moved(own.get(i), variable.array(), part));
            offset += ofVariable;
        }
        use(inUse);
    }

    private static long stateLength(GradientUpdater<?> updater, SameDiffVariables.Trained variable) {
        return updater.getConfig().stateSize(variable.length());
    }

    /** As SameDiff creates it, with a copy of the state. */
    private static GradientUpdater<?> moved(GradientUpdater<?> from, INDArray variable, @Nullable INDArray state) {
        IUpdater configuration = from.getConfig();
        GradientUpdater<?> to = configuration.instantiate(state, false);
        to.setStateViewArray(state, variable.shape(), variable.ordering(), true);
        copy(from, to);
        return to;
    }

    private static void copy(GradientUpdater<?> from, GradientUpdater<?> to) {
        if (from.getConfig().stateSize(1) > 0) {
            Map<String, INDArray> target = to.getState();
            from.getState()
                    .forEach((name, array) ->
                            Objects.requireNonNull(target.get(name)).assign(array));
        }
    }

    private void use(List<GradientUpdater<?>> updaters) {
        for (int i = 0; i < updaters.size(); i++) {
            graph.getUpdaterMap().put(variables.list().get(i).name(), updaters.get(i));
        }
    }

    /** The updater of a variable, by its number. */
    GradientUpdater<?> get(int variable) {
        return inUse.get(variable);
    }

    /** All state; live, and null if the updater has none. */
    @Nullable INDArray state() {
        return state;
    }

    /** Gives the graph its own updaters back, with the present state. */
    @Override
    public void close() {
        for (int i = 0; i < own.size(); i++) {
            copy(inUse.get(i), own.get(i));
        }
        use(own);
    }
}
