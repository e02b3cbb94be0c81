package io.gyre.samples.model;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.Strategies;
import io.gyre.dl4j.TrainerBuilder;
import io.gyre.network.Collective;
import io.gyre.paramserver.Consistency;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.SeatedGroups;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.Training;
import io.gyre.session.SeatedRun;
import io.gyre.session.Session;
import io.gyre.training.UpdateStrategy;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;

/** A sample model with its initial parameters: a network of Deeplearning4j, or a graph of SameDiff. */
public sealed interface BuiltSample {

    /** A trainer of it, to be configured. */
    TrainerBuilder trainer(Session session);

    /** A trainer of it in a run with seats. */
    TrainerBuilder trainer(SeatedRun run);

    /** How servers train it. */
    Training training(Consistency consistency);

    /**
     * The strategy that options name, which is not that of all-reduce.
     *
     * @param group for hybrid: the collective of this rank's group
     */
    UpdateStrategy strategy(StrategyOptions options, ParameterService service, @Nullable Collective group);

    /**
     * The strategy of hybrid whose groups have seats.
     *
     * @param training adjusts how servers train
     * @param group of this process
     * @param join joins the run of groups and servers
     */
    SeatedGroups groups(
            StrategyOptions options, UnaryOperator<Training> training, int group, Supplier<? extends Session> join);

    /** A network. */
    record Network(Model model) implements BuiltSample {

        @Override
        public TrainerBuilder trainer(Session session) {
            return DistributedTrainer.builder(model, session);
        }

        @Override
        public TrainerBuilder trainer(SeatedRun run) {
            return DistributedTrainer.builder(model, run);
        }

        @Override
        public Training training(Consistency consistency) {
            return Strategies.training(model, consistency);
        }

        @Override
        public UpdateStrategy strategy(StrategyOptions options, ParameterService service, @Nullable Collective group) {
            return Strategies.create(options, model, service, group);
        }

        @Override
        public SeatedGroups groups(
                StrategyOptions options,
                UnaryOperator<Training> training,
                int group,
                Supplier<? extends Session> join) {
            return Strategies.groups(options, model, consistency -> training.apply(training(consistency)), group, join);
        }
    }

    /** A graph. */
    record Graph(SameDiff graph) implements BuiltSample {

        @Override
        public TrainerBuilder trainer(Session session) {
            return DistributedTrainer.builder(graph, session);
        }

        @Override
        public TrainerBuilder trainer(SeatedRun run) {
            return DistributedTrainer.builder(graph, run);
        }

        @Override
        public Training training(Consistency consistency) {
            return Strategies.training(graph, consistency);
        }

        @Override
        public UpdateStrategy strategy(StrategyOptions options, ParameterService service, @Nullable Collective group) {
            return Strategies.create(options, graph, service, group);
        }

        @Override
        public SeatedGroups groups(
                StrategyOptions options,
                UnaryOperator<Training> training,
                int group,
                Supplier<? extends Session> join) {
            return Strategies.groups(options, graph, consistency -> training.apply(training(consistency)), group, join);
        }
    }
}
