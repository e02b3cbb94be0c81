package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.dl4j.learning.TrustRatio;
import io.gyre.memory.Region;
import io.gyre.paramserver.ServerOptimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.Regularization.ApplyStep;

/**
 * A model's own optimiser on the servers: each parameter's updater with its schedule and regularisation, as configured
 * in the model and computed by ND4J's own code. Updaters are elementwise, so a shard may end in the middle of a layer;
 * not, however, in the middle of a parameter with a {@link TrustRatio}, which needs the norm of the whole.
 *
 * <p>Schedules and Adam's bias correction count updates of the shard: with asynchronous consistency every push is one.
 */
public final class ModelOptimizer implements ServerOptimizer.Factory {

    private final List<Parameter> parameters;

    /** One parameter of a layer, and its position in the flat vector, in elements. */
    private record Parameter(
            long offset, long length, @Nullable IUpdater updater, List<Regularization> regularization) {

        long end() {
            return offset + length;
        }

        boolean mayBeCutAt(long element) {
            return element <= offset
                    || element >= end()
                    || regularization.stream().noneMatch(TrustRatio.class::isInstance);
        }

        /** The nearer end. */
        long endNearTo(long element) {
            return element - offset < end() - element ? offset : end();
        }
    }

    private ModelOptimizer(List<Parameter> parameters) {
        this.parameters = List.copyOf(parameters);
    }

    /**
     * Reads a model's configuration. Keeps no reference to the model.
     *
     * @param model an initialised {@code MultiLayerNetwork} or {@code ComputationGraph}
     * @throws IllegalArgumentException if it needs what servers cannot do: constraints on parameters, or gradients that
     *     are not divided by the number of examples
     */
    public static ModelOptimizer of(Model model) {
        Network network = Network.of(model);
        ModelChecks.check(network);
        ModelChecks.checkForServers(network);
        List<Parameter> parameters = new ArrayList<>();
        long offset = 0;
        for (Trainable trainable : network.trainables().values()) {
            for (Map.Entry<String, INDArray> entry : trainable.paramTable(false).entrySet()) {
                long length = entry.getValue().length();
                IUpdater updater = trainable.getConfig().getUpdaterByParam(entry.getKey());
                List<Regularization> regularization = trainable.getConfig().getRegularizationByParam(entry.getKey());
                parameters.add(new Parameter(
                        offset, length, updater, regularization == null ? List.of() : List.copyOf(regularization)));
                offset += length;
            }
        }
        return new ModelOptimizer(parameters);
    }

    /**
     * Reads a graph's {@code TrainingConfig}. Keeps no reference to the graph.
     *
     * @throws IllegalArgumentException if it needs what servers cannot do: a loss that is maximised, or is a sum over
     *     the examples
     */
    public static ModelOptimizer of(SameDiff graph) {
        SameDiffModel.checkConfigured(graph);
        TrainingConfig config = graph.getTrainingConfig();
        SameDiffVariables variables = SameDiffVariables.of(graph);
        if (!config.isMinimize()) {
            throw new IllegalArgumentException("the TrainingConfig of the SameDiff maximises: servers subtract updates."
                    + " Negate the loss instead, or use the strategy allreduce or elastic");
        }
        if (SameDiffLosses.of(graph).kind() == SameDiffLosses.Kind.SUM) {
            throw new IllegalArgumentException(
                    "the loss " + graph.getLossVariables() + " of the SameDiff is a sum over the examples, and servers"
                            + " average gradients. Use a mean, or the strategy"
                            + " allreduce or elastic");
        }
        List<Regularization> regularization =
                config.getRegularization() == null ? List.of() : List.copyOf(config.getRegularization());
        return new ModelOptimizer(variables.list().stream()
                .map(each -> new Parameter(each.offset(), each.length(), config.getUpdater(), regularization))
                .toList());
    }

    @Override
    public ServerOptimizer create(ElementType type, long offset, long length) {
        DataType dataType = type == ElementType.FLOAT32 ? DataType.FLOAT : DataType.DOUBLE;
        List<Part> parts = new ArrayList<>();
        for (Parameter parameter : parameters) {
            long from = Math.max(offset, parameter.offset);
            long to = Math.min(offset + length, parameter.end());
            if (from < to && parameter.updater != null) {
                parts.add(Part.of(parameter, dataType, from - offset, to - offset));
            }
        }
        return new OfShard(type, parts);
    }

    /** The most of any parameter; those with fewer have zeros in the others. */
    @Override
    public int slots() {
        return parameters.stream()
                .filter(parameter -> parameter.updater != null)
                .mapToInt(parameter -> (int) parameter.updater.stateSize(1))
                .max()
                .orElse(0);
    }

    /** The border, or the nearer end of a parameter that must not be cut there. */
    @Override
    public long border(long offset) {
        for (Parameter parameter : parameters) {
            if (!parameter.mayBeCutAt(offset)) {
                return parameter.endNearTo(offset);
            }
        }
        return offset;
    }

    /** The part of a parameter in a shard, with its updater state. */
    private record Part(
            long from,
            long to,
            IUpdater configuration,
            GradientUpdater<?> updater,
            @Nullable INDArray state,
            List<Regularization> regularization) {

        static Part of(Parameter parameter, DataType type, long from, long to) {
            IUpdater configuration = parameter.updater == null ? null : parameter.updater.clone();
            if (configuration == null) {
                throw new IllegalArgumentException("a parameter without updater is not updated");
            }
            long stateLength = configuration.stateSize(to - from);
            INDArray state = stateLength == 0 ? null : Nd4j.zeros(type, 1, stateLength);
            return new Part(
                    from, to, configuration, configuration.instantiate(state, true), state, parameter.regularization);
        }

        /** The part of a slot, as a view: updaters divide their state into one piece for each; null if it has none. */
        @Nullable INDArray slot(int slot) {
            INDArray all = state;
            long length = to - from;
            return all == null || (slot + 1) * length > all.length()
                    ? null
                    : all.get(NDArrayIndex.point(0), NDArrayIndex.interval(slot * length, (slot + 1) * length));
        }

        /** As Deeplearning4j's {@code UpdaterBlock} does it. */
        void update(INDArray allParameters, INDArray allGradients, int update, int epoch, double share) {
            INDArray parameters = allParameters.get(NDArrayIndex.interval(from, to));
            INDArray gradient = allGradients.get(NDArrayIndex.interval(from, to));
            double rate = configuration.hasLearningRate() ? configuration.getLearningRate(update, epoch) : 1;
            regularise(ApplyStep.BEFORE_UPDATER, parameters, gradient, rate, update, epoch);
            updater.applyUpdater(gradient, update, epoch);
            regularise(ApplyStep.POST_UPDATER, parameters, gradient, rate, update, epoch);
            if (share != 1) {
                // Scales the update, not the gradient: an updater such as Adam ignores the gradient's magnitude.
                gradient.muli(share);
            }
            parameters.subi(gradient);
        }

        private void regularise(
                ApplyStep step, INDArray parameters, INDArray gradient, double rate, int update, int epoch) {
            for (Regularization each : regularization) {
                if (each.applyStep() == step) {
                    each.apply(parameters, gradient, rate, update, epoch);
                }
            }
        }
    }

    private static final class OfShard implements ServerOptimizer {

        private final ElementType type;
        private final List<Part> parts;
        private final HostMemory.Views views = new HostMemory.Views();

        OfShard(ElementType type, List<Part> parts) {
            this.type = type;
            this.parts = parts;
        }

        @Override
        public void readSlot(int slot, Region into) {
            into.clear();
            INDArray target = into.byteLength() == 0 ? null : new HostMemory.Views().of(into, type);
            for (Part part : parts) {
                INDArray own = part.slot(slot);
                if (own != null && target != null) {
                    target.get(NDArrayIndex.interval(part.from(), part.to())).assign(own);
                }
            }
        }

        @Override
        public void writeSlot(int slot, Region from) {
            INDArray source = from.byteLength() == 0 ? null : new HostMemory.Views().of(from, type);
            for (Part part : parts) {
                INDArray own = part.slot(slot);
                if (own != null && source != null) {
                    own.assign(source.get(NDArrayIndex.interval(part.from(), part.to())));
                }
            }
        }

        @Override
        public void update(Region parameters, Region gradient, long update, int epoch, double part) {
            if (parameters.byteLength() == 0) {
                return;
            }
            INDArray parameterArray = views.of(parameters, type);
            INDArray gradientArray = views.of(gradient, type);
            for (Part each : parts) {
                each.update(parameterArray, gradientArray, (int) update, epoch, part);
            }
        }
    }
}
