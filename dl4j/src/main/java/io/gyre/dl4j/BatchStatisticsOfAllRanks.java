package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.allreduce.Collectives;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.network.NamedEndpoint;
import io.gyre.session.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Batch normalisation with the statistics of the whole batch: those of all ranks in step.
 *
 * <p>In every pass the ranks make the same exchanges in the same order: one for each layer of batch normalisation in
 * the forward pass, and one for each that the backward pass reaches, in reverse. A rank without examples contributes
 * zeros. Frozen layers use their running statistics, and exchange nothing.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains. The exchanges have a lane of the session of their own, since with overlap another
 *       thread reduces gradients on lane 0 at the same time.
 *   <dt>Failure
 *   <dd>That of the collective, with the name of the layer; a pass that takes the layers in another order fails.
 *   <dt>Ownership
 *   <dd>Session and model are borrowed. Outside a pass the layers are as before.
 * </dl>
 */
final class BatchStatisticsOfAllRanks implements BatchStatistics, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(BatchStatisticsOfAllRanks.class);

    /** Gradients are on lane 0, and parameter services on lane 1. */
    private static final int LANE = 2;

    /**
     * An exchange of a pass.
     *
     * @param about what is exchanged, for errors
     */
    private record Turn(NormalisedLayer layer, boolean forward, String about) {

        static Turn of(NormalisedLayer layer, boolean forward) {
            return new Turn(
                    layer,
                    forward,
                    "the statistics of " + layer + " in the " + (forward ? "forward" : "backward") + " pass");
        }

        @SuppressWarnings("ReferenceEquality") // The same layer, not an equal one.
        boolean isOf(NormalisedLayer other, boolean isForward) {
            return layer == other && forward == isForward;
        }
    }

    private final List<NormalisedLayer> layers = new ArrayList<>();
    private final List<Turn> turns = new ArrayList<>();
    private final NamedEndpoint endpoint;
    private final Collective collective;
    private long step;
    private int taken;

    /**
     * Rejects, before anything starts, what would not give the statistics of the whole batch.
     *
     * @param all number of ranks that train
     * @param inStep number of those that take each step together with this one
     */
    static void check(int all, int inStep, int microBatches, String strategy) {
        if (microBatches > 1) {
            throw new IllegalArgumentException("synchronousBatchNorm with microBatches(" + microBatches
                    + "): a pass knows only its own part of the batch, so that the statistics would not be those of the"
                    + " whole. Use 1, or more ranks with smaller batches");
        }
        if (all > 1 && inStep == 1) {
            throw new IllegalArgumentException("synchronousBatchNorm with the strategy " + strategy
                    + ": this rank takes its steps alone, so that no other has a part of the same batch. Use the"
                    + " strategy allreduce, or hybrid with several ranks in each group");
        }
    }

    /** Whether a model has layers that this is about. */
    static boolean concerns(Network network) {
        return network.passedLayers().stream()
                .anyMatch(passed -> unwrapped(passed.layer()) instanceof BatchNormalization);
    }

    /**
     * Finds the layers. All ranks in step call it together.
     *
     * @param inStep the ranks that take each step together
     */
    BatchStatisticsOfAllRanks(Network network, Session inStep) {
        World world = inStep.world();
        List<Turn> backward = new ArrayList<>();
        for (PassedLayer passed : network.passedLayers()) {
            if (unwrapped(passed.layer()) instanceof BatchNormalization normalisation) {
                NormalisedLayer layer =
                        new NormalisedLayer(passed.name(), normalisation, world.size(), world.rank(), this::exchange);
                layers.add(layer);
                turns.add(Turn.of(layer, true));
                if (passed.hasBackward()) {
                    backward.add(0, Turn.of(layer, false));
                }
            }
        }
        turns.addAll(backward);
        endpoint = new NamedEndpoint(inStep.endpoint(LANE), "the statistics of batch normalisation");
        if (world.isRoot()) {
            LOG.info("{} layers of batch normalisation use the statistics of {} ranks", layers.size(), world.size());
        }
        collective = Collectives.choose(endpoint);
    }

    /** What is inside the layer's wrappers, if it is not frozen. */
    private static Layer unwrapped(Layer layer) {
        Layer inner = layer;
        while (inner instanceof BaseWrapperLayer wrapper
                && !(inner instanceof FrozenLayer || inner instanceof FrozenLayerWithBackprop)) {
            inner = wrapper.getUnderlying();
        }
        return inner;
    }

    @Override
    public double during(boolean hasExamples, long ofStep, DoubleSupplier pass) {
        step = ofStep;
        taken = 0;
        if (!hasExamples) {
            turns.forEach(BatchStatisticsOfAllRanks::takeWithoutExamples);
            return pass.getAsDouble();
        }
        layers.forEach(NormalisedLayer::attach);
        try {
            double result = PassFailure.unwrapped(pass::getAsDouble);
            if (taken < turns.size()) {
                throw new IllegalStateException("the pass of step " + step + " has ended without "
                        + turns.get(taken).about());
            }
            return result;
        } finally {
            layers.forEach(NormalisedLayer::detach);
        }
    }

    private static void takeWithoutExamples(Turn turn) {
        if (turn.forward()) {
            turn.layer().forwardWithoutExamples();
        } else {
            turn.layer().backwardWithoutExamples();
        }
    }

    private void exchange(NormalisedLayer layer, boolean forward, Region data) {
        Turn due = taken < turns.size() ? turns.get(taken) : null;
        if (due == null || !due.isOf(layer, forward)) {
            throw new IllegalStateException("the pass of step " + step + " exchanges "
                    + Turn.of(layer, forward).about() + " when "
                    + (due == null ? "none are due any more" : due.about() + " are due"));
        }
        endpoint.nextIsAbout(due.about());
        collective.allReduce(data, ElementType.FLOAT64, ReduceOp.SUM, step, taken);
        taken++;
    }

    /** Frees shared memory. */
    @Override
    public void close() {
        collective.close();
    }
}
