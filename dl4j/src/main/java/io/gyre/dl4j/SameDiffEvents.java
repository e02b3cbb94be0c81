package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.Listener;
import org.nd4j.autodiff.listeners.ListenerResponse;
import org.nd4j.autodiff.listeners.ListenerVariables;
import org.nd4j.autodiff.listeners.Loss;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.listeners.records.LossCurve;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Notifies a graph's listeners, with the arguments and in the order of {@code SameDiff.fit}. */
final class SameDiffEvents {

    private final SameDiff graph;
    private final SameDiff gradientFunction;
    private @Nullable LossCurve curve;
    private double @Nullable [] sums;
    private List<String> names = List.of();
    private int steps;
    private int lastIteration;
    private long epochBegan;

    SameDiffEvents(SameDiff graph, SameDiff gradientFunction) {
        this.graph = graph;
        this.gradientFunction = gradientFunction;
    }

    /** Those that want to hear of training. */
    List<Listener> listeners() {
        List<Listener> active = new ArrayList<>();
        for (Listener listener : graph.getListeners()) {
            if (listener.isActive(Operation.TRAINING)) {
                active.add(listener);
            }
        }
        return active;
    }

    /** Variables that they want to be computed. */
    static Set<String> variablesFor(List<Listener> listeners, SameDiff graph) {
        Set<String> variables = new HashSet<>();
        for (Listener listener : listeners) {
            ListenerVariables required = listener.requiredVariables(graph);
            if (required != null && required.trainingVariables() != null) {
                variables.addAll(required.trainingVariables());
            }
        }
        return variables;
    }

    /** This step. */
    At now() {
        return at(graph.getTrainingConfig().getIterationCount());
    }

    private At at(int iteration) {
        TrainingConfig config = graph.getTrainingConfig();
        return At.builder()
                .epoch(config.getEpochCount())
                .iteration(iteration)
                .javaThreadNum(Thread.currentThread().getId())
                .operation(Operation.TRAINING)
                .build();
    }

    void beginCall() {
        curve = null;
        lastIteration = graph.getTrainingConfig().getIterationCount();
        each(listener -> listener.operationStart(gradientFunction, Operation.TRAINING));
    }

    void endCall() {
        each(listener -> listener.operationEnd(gradientFunction, Operation.TRAINING));
    }

    void beginEpoch() {
        epochBegan = System.nanoTime();
        sums = null;
        steps = 0;
        At before = at(lastIteration);
        each(listener -> listener.epochStart(graph, before));
    }

    /** Returns whether a listener wants to stop. */
    boolean endEpoch() {
        double[] summed = sums;
        if (summed != null) {
            double[] means = new double[summed.length];
            for (int i = 0; i < means.length; i++) {
                means[i] = summed[i] / steps;
            }
            LossCurve before = curve;
            curve = before == null ? new LossCurve(means, names) : before.addLossAndCopy(means, names);
        }
        long millis = (System.nanoTime() - epochBegan) / 1_000_000;
        At last = at(lastIteration);
        boolean stop = false;
        for (Listener listener : listeners()) {
            stop |= listener.epochEnd(graph, last, curve, millis) == ListenerResponse.STOP;
        }
        return stop;
    }

    void beginStep(MultiDataSet batch) {
        At now = now();
        each(listener -> listener.iterationStart(graph, now, batch, 0));
    }

    /** The update of a variable, before it is subtracted. */
    void beforeUpdate(List<Listener> listeners, At at, String variable, INDArray update) {
        for (Listener listener : listeners) {
            listener.preUpdate(
                    gradientFunction, at, gradientFunction.getVariables().get(variable), update);
        }
    }

    void endStep(MultiDataSet batch, Loss loss) {
        double[] summed = sums;
        if (summed == null || summed.length != loss.numLosses()) {
            sums = loss.lossValues().clone();
            names = loss.lossNames();
            steps = 0;
        } else {
            for (int i = 0; i < summed.length; i++) {
                summed[i] += loss.lossValues()[i];
            }
        }
        steps++;
        At now = now();
        lastIteration = now.iteration();
        each(listener -> listener.iterationDone(gradientFunction, now, batch, loss));
    }

    private void each(Consumer<Listener> event) {
        listeners().forEach(event);
    }
}
