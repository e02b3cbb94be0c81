package io.gyre.samples.train;

import io.gyre.Collective;
import io.gyre.Groups;
import io.gyre.GyreException;
import io.gyre.Session;
import io.gyre.SharedCounter;
import io.gyre.UpdateStrategy;
import io.gyre.allreduce.Collectives;
import io.gyre.dl4j.Parameters;
import io.gyre.launcher.ReportFile;
import io.gyre.paramserver.ParameterService;
import io.gyre.samples.data.ImageSet;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.io.IOException;
import java.util.Optional;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;

/** What each rank of {@code gyre train} does, in a JVM of its own. */
final class TrainRank {

    private final TrainOptions options;

    TrainRank(TrainOptions options) {
        this.options = options;
    }

    /** Joins the run that the environment names, and trains; fails unless all ranks end with the same parameters. */
    void run() throws IOException {
        // Both are read when the classes that they concern are loaded, which is later.
        System.setProperty("org.eclipse.deeplearning4j.helpers.disable", String.valueOf(!options.oneDnn()));
        System.setProperty("java.awt.headless", "true");
        JoinOptions.Builder join = JoinOptions.fromEnvironment().toBuilder().peerTimeout(options.peerTimeout());
        if (options.transport() != TransportMode.AUTO) {
            join.transport(options.transport());
        }
        try (Session session = AeronSession.join(join.build())) {
            try {
                train(session);
            } catch (Throwable failure) {
                // Before the session closes, so that the others learn of a failure and not of a departure.
                session.fail(String.valueOf(failure.getMessage()));
                throw failure;
            }
        }
    }

    private void train(Session session) throws IOException {
        ImageSet set = options.openData();
        if ("cuda".equals(System.getenv("GYRE_BACKEND"))) {
            GpuShare.limit(System.getenv());
        }
        Model model = options.buildModel(set);
        if (options.strategy() == TrainOptions.Strategy.ALLREDUCE) {
            train(set, model, session, null, null, Groups.of(session.world().size(), 1));
            return;
        }
        ServerOptions exchange = options.exchange();
        try (ParameterService service = exchange.configure(ParameterService.builder(session), options.strategy(), model)
                .start()) {
            if (service.isServer()) {
                service.serve();
                return;
            }
            // Where nobody gets ahead equal shares do as well, and each run is like the other.
            boolean together = exchange.isBulkSynchronous(options.strategy())
                    || service.groups().count() == 1;
            SharedCounter batches = together ? null : service.counter("batches");
            if (options.strategy() == TrainOptions.Strategy.HYBRID) {
                try (Collective group = Collectives.choose(service.group().endpoint())) {
                    train(set, model, service.workers(), hybrid(model, service, group), batches, service.groups());
                }
            } else {
                UpdateStrategy strategy = options.strategy() == TrainOptions.Strategy.PARAMSERVER
                        ? Parameters.asynchronous(model, service)
                        : Parameters.elastic(model, service, exchange.period(), exchange.movingRate(service));
                train(set, model, service.workers(), strategy, batches, service.groups());
            }
        }
    }

    private UpdateStrategy hybrid(Model model, ParameterService service, Collective group) {
        ServerOptions exchange = options.exchange();
        return exchange.between() == ServerOptions.Between.PARAMSERVER
                ? Parameters.hybrid(model, service, group)
                : Parameters.hybridElastic(model, service, group, exchange.period(), exchange.movingRate(service));
    }

    private void train(
            ImageSet set,
            Model model,
            Session session,
            @Nullable UpdateStrategy strategy,
            @Nullable SharedCounter batches,
            Groups groups)
            throws IOException {
        TrainReport report = new Training(options, set, session, strategy, batches, groups).run(model);
        if (report.parametersSha256().stream().distinct().count() > 1) {
            throw new GyreException("the ranks ended with different parameters, by rank: " + report.parametersSha256());
        }
        if (isFirstLeft(session)) {
            Optional<ReportFile> file = options.report().map(ReportFile::new);
            if (file.isPresent()) {
                file.get().write(report.toJson());
            }
            System.out.println(report.summary());
        }
        // Who asked after rank 0 had left would speak for all once more.
        session.exchange("end of the report", new byte[0]);
    }

    /** Whether this rank speaks for all: the root, or the first that has not been lost. */
    private static boolean isFirstLeft(Session session) {
        int first = 0;
        while (first < session.world().rank() && session.hasGone(first)) {
            first++;
        }
        return first == session.world().rank();
    }
}
