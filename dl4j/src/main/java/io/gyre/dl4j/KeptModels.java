package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.GradientReduction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Models that a program gets back later, such as the best one of early stopping, in a run whose processes may change.
 * Every process keeps a copy of its own; a process without it gets that of another at the beginning of a generation,
 * with the state of the run. So a model is lost only if all processes are.
 *
 * <p>Memory: parameters and updater state, for each call that keeps a model, until the trainer is closed. Confined to
 * the thread that trains.
 */
final class KeptModels {

    private static final String LINE = "kept\t";

    private final SortedMap<Integer, Kept> byCall = new TreeMap<>();

    /**
     * A model that is kept.
     *
     * @param call number of the call that keeps it
     * @param version by which copies are compared: each is of the replica at one place in the run
     */
    private record Kept(int call, int version, Network copy) {

        /** What it is, without the model. */
        String line() {
            return LINE + call + "\t" + version + "\t" + copy.step() + "\t" + copy.epoch();
        }
    }

    /**
     * Keeps a copy of a model, in place of the one before of this call. All processes do so at the same place of the
     * run, before they complete a joint call.
     *
     * @param call number of the call that keeps it
     * @param version another for each copy of this call
     */
    void keep(int call, int version, Model model) {
        byCall.put(call, new Kept(call, version, Network.of(copyOf(model))));
    }

    /** A copy of the model that a call has kept; fails if there is none. */
    Model copy(int call) {
        Kept kept = byCall.get(call);
        if (kept == null) {
            throw new IllegalStateException("call " + call + " has kept no model");
        }
        return copyOf(kept.copy().model());
    }

    private static Model copyOf(Model model) {
        return model instanceof MultiLayerNetwork layers ? layers.clone() : ((ComputationGraph) model).clone();
    }

    /** Whether no call has kept one. */
    boolean isEmpty() {
        return byCall.isEmpty();
    }

    /** A line for each model. */
    String text() {
        StringBuilder text = new StringBuilder();
        byCall.values().forEach(kept -> text.append(kept.line()).append('\n'));
        return text.toString();
    }

    /** Whether a model is missing here, or older, of those that another process has. */
    boolean lacks(String text) {
        return lines(text).stream().anyMatch(line -> {
            Kept own = byCall.get(field(line, 0));
            return own == null || !own.line().equals(line);
        });
    }

    /**
     * Takes the models over that a process has with the newest state. All processes call it together.
     *
     * @param text of that process; others' lines are ignored
     * @param network of which they are copies
     * @param source index of that process
     */
    void take(String text, TrainedModel network, GradientReduction reduction, int source, Session session) {
        for (String line : lines(text)) {
            int call = field(line, 0);
            Kept own = byCall.get(call);
            Network copy =
                    own != null && own.line().equals(line) ? own.copy() : Network.of(copyOf((Model) network.model()));
            List<INDArray> arrays = arrays(copy);
            List<Region> state = arrays.stream()
                    .map(array -> HostMemory.region("model that call " + call + " keeps", array))
                    .toList();
            reduction.give(state, source);
            arrays.forEach(HostMemory::endUse);
            copy.setProgress(field(line, 2), field(line, 3));
            session.agree("the model that call " + call + " keeps", Map.of("CRC32C", Checksums.ofState(state)));
            byCall.put(call, new Kept(call, field(line, 1), copy));
        }
    }

    /** What a copy consists of: parameters, and the updater's state if there is any. */
    private static List<INDArray> arrays(Network copy) {
        List<INDArray> arrays = new ArrayList<>(List.of(copy.parameters()));
        INDArray updaterState = copy.updater().getStateViewArray();
        if (updaterState != null) {
            arrays.add(updaterState);
        }
        return arrays;
    }

    private static List<String> lines(String text) {
        return text.lines().filter(line -> line.startsWith(LINE)).toList();
    }

    private static int field(String line, int index) {
        try {
            return Integer.parseInt(line.substring(LINE.length()).split("\t", -1)[index]);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new GyreException("not a model that is kept: '" + line + "'", e);
        }
    }
}
