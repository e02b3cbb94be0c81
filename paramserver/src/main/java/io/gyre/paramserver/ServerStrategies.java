package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.network.Collective;
import io.gyre.session.Groups;
import io.gyre.training.ElasticAveraging;
import io.gyre.training.Hybrid;
import io.gyre.training.ParameterServer;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The strategies that keep a vector of parameters on the servers of a service. All workers create them together.
 *
 * @param service borrowed by the strategies
 * @param type of the parameters
 * @param elements number of parameters
 */
public record ServerStrategies(ParameterService service, ElementType type, long elements) {

    private static final Logger LOG = LoggerFactory.getLogger(ServerStrategies.class);
    private static final String NAME = "parameters";
    private static final String CENTRE = "centre";

    /** Gradients are pushed to the servers, which train, and parameters are pulled from them. */
    public UpdateStrategy parameterServer() {
        return new ParameterServer(service.parameters(NAME, type, elements), description());
    }

    /** Ranks train alone, and are pulled towards a common centre on the servers. */
    public UpdateStrategy elastic(int period, double movingRate) {
        return new ElasticAveraging(service.centre(CENTRE, type, elements), movingRate, period);
    }

    /**
     * Each group of the service is synchronous; its lead exchanges with the servers, which train. With one group this
     * is {@link Synchronous}.
     *
     * @param group collective of this rank's {@link ParameterService#group}; borrowed
     */
    public UpdateStrategy hybrid(Collective group) {
        if (isOnly()) {
            return new Synchronous(group);
        }
        return Hybrid.parameterServer(
                service.groups(),
                service.workers().world().rank(),
                group,
                service.isLead() ? service.parameters(NAME, type, elements) : null,
                description(),
                service.trainingOutlivesWorkers() ? service::outliveThis : () -> {});
    }

    /** As {@link #hybrid}, but each group is pulled towards a common centre. */
    public UpdateStrategy hybridElastic(Collective group, int period, double movingRate) {
        if (isOnly()) {
            return new Synchronous(group);
        }
        return Hybrid.elastic(
                service.groups(),
                service.workers().world().rank(),
                group,
                service.isLead() ? service.centre(CENTRE, type, elements) : null,
                movingRate,
                period,
                service::outliveThis);
    }

    private String description() {
        return service.description() + " on " + service.servers() + " servers";
    }

    private boolean isOnly() {
        Groups groups = service.groups();
        if (groups.count() == 1 && service.workers().world().isRoot()) {
            LOG.info("There is one group, {}, and nobody to exchange with: it trains synchronously", groups);
        }
        return groups.count() == 1;
    }
}
