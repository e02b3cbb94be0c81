package io.gyre.dl4j;

import io.gyre.Asynchronous;
import io.gyre.ElasticAveraging;
import io.gyre.ElementType;
import io.gyre.UpdateStrategy;
import io.gyre.paramserver.Consistency;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.Training;
import org.deeplearning4j.nn.api.Model;

/**
 * Strategies that keep a model's parameters on servers, for {@link DistributedTrainer.Builder#strategy}. All workers make them
 * together.
 */
public final class Parameters {

    private static final String NAME = "parameters";
    private static final String CENTRE = "centre";

    private Parameters() {}

    /** How servers train a model: by its own updaters, with its regularisation and schedules. */
    public static Training training(Model model, Consistency consistency) {
        return new Training(consistency, ModelOptimizer.of(model));
    }

    /** Gradients are pushed to the servers of a service, which has a {@link #training}, and parameters pulled from there. */
    public static UpdateStrategy asynchronous(Model model, ParameterService service) {
        return new Asynchronous(
                service.parameters(NAME, elementType(model), model.numParams()),
                service.description() + " on " + service.servers() + " servers");
    }

    /** Ranks train by themselves, and are tied to a common centre in the memory of a service; with the default moving rate. */
    public static UpdateStrategy elastic(Model model, ParameterService service, int period) {
        int ranks = service.workers().world().size();
        return elastic(model, service, period, ElasticAveraging.defaultMovingRate(ranks));
    }

    /** As {@link #elastic(Model, ParameterService, int)}, with a moving rate of one's own. */
    public static UpdateStrategy elastic(Model model, ParameterService service, int period, double movingRate) {
        return new ElasticAveraging(service.centre(CENTRE, elementType(model), model.numParams()), movingRate, period);
    }

    private static ElementType elementType(Model model) {
        return HostMemory.elementType(model.params());
    }
}
