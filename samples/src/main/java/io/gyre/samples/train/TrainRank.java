package io.gyre.samples.train;

import io.gyre.GyreException;
import io.gyre.Session;
import io.gyre.launcher.GyreCommandLine;
import io.gyre.launcher.ReportFile;
import io.gyre.samples.data.ImageSet;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.api.Model;
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
        Model model = options.model().build(set.shape(), set.classes().size(), options.seed());
        TrainReport report = new Training(options, set, session).run(model);
        if (report.parametersSha256().stream().distinct().count() > 1) {
            throw new GyreException("the ranks ended with different parameters, by rank: " + report.parametersSha256());
        }
        if (session.world().isRoot()) {
            Optional<ReportFile> file = options.report().map(ReportFile::new);
            if (file.isPresent()) {
                file.get().write(report.toJson());
            }
            System.out.println(report.summary());
        }
    }
}
