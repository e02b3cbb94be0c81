package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.network.Collective;
import io.gyre.paramserver.Consistency;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.SeatedGroups;
import io.gyre.paramserver.ServerStrategies;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.Training;
import io.gyre.session.Session;
import io.gyre.training.ElasticAveraging;
import io.gyre.training.GenerationStrategy;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.util.function.Function;
import java.util.function.Supplier;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Strategies that keep a model's parameters on servers, for {@link TrainerBuilder#strategy}. All workers create them
 * together.
 */
public final class Strategies {

    private Strategies() {}

    /** How servers train a model: with its own updaters, regularisation and schedules. */
    public static Training training(Model model, Consistency consistency) {
        return new Training(consistency, ModelOptimizer.of(model));
    }

    /** As {@link #training(Model, Consistency)}, for a graph of SameDiff. */
    public static Training training(SameDiff graph, Consistency consistency) {
        return new Training(consistency, ModelOptimizer.of(graph));
    }

    /**
     * Parameter server: gradients are pushed to the servers of a service, which has a {@link #training}, and parameters
     * are pulled from them.
     */
    public static UpdateStrategy parameterServer(Model model, ParameterService service) {
        return strategies(model, service).parameterServer();
    }

    /**
     * Elastic averaging: ranks train alone and are pulled towards a common centre in the memory of a service, with the
     * default moving rate.
     */
    public static UpdateStrategy elastic(Model model, ParameterService service, int period) {
        return elastic(model, service, period, defaultMovingRate(service));
    }

    /**
     * The default moving rate: {@link ElasticAveraging#DEFAULT_BETA} divided by the number of groups that exchange with
     * the centre.
     */
    public static double defaultMovingRate(ParameterService service) {
        return ElasticAveraging.defaultMovingRate(service.groups().count());
    }

    /** As {@link #elastic(Model, ParameterService, int)}, with the given moving rate. */
    public static UpdateStrategy elastic(Model model, ParameterService service, int period, double movingRate) {
        return strategies(model, service).elastic(period, movingRate);
    }

    /**
     * Hybrid: each group of a service trains synchronously; between groups gradients are pushed to the servers of the
     * service, which has a {@link #training}, and parameters are pulled from them. With one group this is {@link
     * Synchronous}.
     *
     * @param group collective of this rank's {@link ParameterService#group}; borrowed
     */
    public static UpdateStrategy hybrid(Model model, ParameterService service, Collective group) {
        return strategies(model, service).hybrid(group);
    }

    /**
     * Hybrid with elastic averaging: each group of a service trains synchronously and is pulled towards a common centre
     * in the service's memory, with the default moving rate for the number of groups. With one group this is {@link
     * Synchronous}.
     *
     * @param group collective of this rank's {@link ParameterService#group}; borrowed
     * @param period steps from one exchange to the next
     */
    public static UpdateStrategy hybridElastic(Model model, ParameterService service, Collective group, int period) {
        return hybridElastic(model, service, group, period, defaultMovingRate(service));
    }

    /** As {@link #hybridElastic(Model, ParameterService, Collective, int)}, with the given moving rate. */
    public static UpdateStrategy hybridElastic(
            Model model, ParameterService service, Collective group, int period, double movingRate) {
        return strategies(model, service).hybridElastic(group, period, movingRate);
    }

    /**
     * The strategy that options name, which is not {@link StrategyOptions.Kind#ALLREDUCE}.
     *
     * @param service configured by the options, with {@link #training} if its servers train
     * @param group for hybrid: collective of this rank's {@link ParameterService#group}; borrowed
     */
    public static UpdateStrategy create(
            StrategyOptions options, Model model, ParameterService service, @Nullable Collective group) {
        return options.create(service, elementType(model), model.numParams(), group);
    }

    /**
     * Hybrid whose groups go on when they lose a rank, for {@link TrainerBuilder#strategy(GenerationStrategy)}.
     *
     * @param options as {@link SeatedGroups} needs them
     * @param training how servers train with a consistency; called only if they do
     * @param group of this process, from 0
     * @param join joins the run of groups and servers, as the rank of the group
     */
    public static SeatedGroups groups(
            StrategyOptions options,
            Model model,
            Function<Consistency, Training> training,
            int group,
            Supplier<? extends Session> join) {
        return new SeatedGroups(options, training, elementType(model), model.numParams(), group, join);
    }

    /** As {@link #groups(StrategyOptions, Model, Function, int, Supplier)}, for a graph of SameDiff. */
    public static SeatedGroups groups(
            StrategyOptions options,
            SameDiff graph,
            Function<Consistency, Training> training,
            int group,
            Supplier<? extends Session> join) {
        SameDiffVariables variables = SameDiffVariables.of(graph);
        return new SeatedGroups(options, training, variables.layout().elementType(), variables.elements(), group, join);
    }

    /** As {@link #parameterServer(Model, ParameterService)}, for a graph of SameDiff. */
    public static UpdateStrategy parameterServer(SameDiff graph, ParameterService service) {
        return strategies(graph, service).parameterServer();
    }

    /** As {@link #elastic(Model, ParameterService, int)}, for a graph of SameDiff. */
    public static UpdateStrategy elastic(SameDiff graph, ParameterService service, int period) {
        return strategies(graph, service).elastic(period, defaultMovingRate(service));
    }

    /** As {@link #hybrid(Model, ParameterService, Collective)}, for a graph of SameDiff. */
    public static UpdateStrategy hybrid(SameDiff graph, ParameterService service, Collective group) {
        return strategies(graph, service).hybrid(group);
    }

    /** As {@link #hybridElastic(Model, ParameterService, Collective, int)}, for a graph of SameDiff. */
    public static UpdateStrategy hybridElastic(SameDiff graph, ParameterService service, Collective group, int period) {
        return strategies(graph, service).hybridElastic(group, period, defaultMovingRate(service));
    }

    /** As {@link #create(StrategyOptions, Model, ParameterService, Collective)}, for a graph of SameDiff. */
    public static UpdateStrategy create(
            StrategyOptions options, SameDiff graph, ParameterService service, @Nullable Collective group) {
        SameDiffVariables variables = SameDiffVariables.of(graph);
        return options.create(service, variables.layout().elementType(), variables.elements(), group);
    }

    private static ServerStrategies strategies(SameDiff graph, ParameterService service) {
        SameDiffVariables variables = SameDiffVariables.of(graph);
        return new ServerStrategies(service, variables.layout().elementType(), variables.elements());
    }

    private static ServerStrategies strategies(Model model, ParameterService service) {
        return new ServerStrategies(service, elementType(model), model.numParams());
    }

    private static ElementType elementType(Model model) {
        return HostMemory.elementType(model.params());
    }
}
