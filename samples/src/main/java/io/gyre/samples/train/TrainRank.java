package io.gyre.samples.train;

import io.gyre.GyreException;
import io.gyre.Session;
import io.gyre.SharedCounter;
import io.gyre.UpdateStrategy;
import io.gyre.dl4j.Parameters;
import io.gyre.launcher.GyreCommandLine;
import io.gyre.launcher.ReportFile;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import io.gyre.samples.data.ImageSet;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What each rank of {@code gyre train} runs. Its arguments are those of the command. */
@Command(name = "gyre train", mixinStandardHelpOptions = true)
public final class TrainRank implements Callable<Integer> {

    @Mixin
    private final TrainOptions options = new TrainOptions();

    private TrainRank() {}

    /** Ends the JVM with 0 if this rank did its part and all ranks have the same parameters. */
    public static void main(String[] arguments) {
        System.exit(GyreCommandLine.of(new TrainRank()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        // Both are read when the classes that they concern are loaded, which is later.
        System.setProperty("org.eclipse.deeplearning4j.helpers.disable", String.valueOf(!options.oneDnn()));
        System.setProperty("java.awt.headless", "true");
        JoinOptions join = JoinOptions.fromEnvironment().toBuilder()
                .peerTimeout(options.peerTimeout())
                .build();
        try (Session session = AeronSession.join(join)) {
            try {
                train(session);
            } catch (Throwable failure) {
                // Before the session closes, so that the others learn of a failure and not of a departure.
                session.fail(String.valueOf(failure.getMessage()));
                throw failure;
            }
        }
        return 0;
    }

    private void train(Session session) throws IOException {
        ImageSet set = options.openData();
        if ("cuda".equals(System.getenv("GYRE_BACKEND"))) {
            GpuShare.limit(System.getenv());
        }
        Model model = options.buildModel(set);
        if (options.strategy() == TrainOptions.Strategy.ALLREDUCE) {
            train(set, model, session, null, null);
            return;
        }
        ParameterService.Builder builder = ParameterService.builder(session).servers(options.servers());
        if (options.strategy() == TrainOptions.Strategy.PARAMSERVER) {
            builder.training(Parameters.training(model, options.consistency()));
        }
        try (ParameterService service = builder.start()) {
            if (service.isServer()) {
                service.serve();
                return;
            }
            UpdateStrategy strategy = options.strategy() == TrainOptions.Strategy.PARAMSERVER
                    ? Parameters.asynchronous(model, service)
                    : Parameters.elastic(model, service, options.period());
            // In bulk synchrony nobody gets ahead, so equal shares do as well, and each run is like the other.
            boolean equalShares = options.strategy() == TrainOptions.Strategy.PARAMSERVER
                    && options.consistency() instanceof BulkSynchronous;
            train(set, model, service.workers(), strategy, equalShares ? null : service.counter("batches"));
        }
    }

    private void train(
            ImageSet set,
            Model model,
            Session session,
            @Nullable UpdateStrategy strategy,
            @Nullable SharedCounter batches)
            throws IOException {
        TrainReport report = new Training(options, set, session, strategy, batches).run(model);
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
