package io.gyre.samples;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.FitReport;
import io.gyre.dl4j.ShardedData;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageExamples;
import io.gyre.samples.data.ImageSet;
import io.gyre.samples.model.SampleModel;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import org.deeplearning4j.nn.api.Model;

/**
 * The same as {@link FirstProgram} on ranks that are processes:
 *
 * <pre>{@code
 * bin/gyre run -n 2 -- io.gyre.samples.ManyProcesses
 * }</pre>
 *
 * <p>One line differs: the session is created from the environment, in which the launcher has set the rank.
 */
public final class ManyProcesses {

    private ManyProcesses() {}

    /** Trains for one pass over the data; every rank prints its report. */
    public static void main(String[] arguments) {
        ImageSet digits = DrawnDigits.of(1);

        try (Session session = AeronSession.join(JoinOptions.fromEnvironment())) {
            Model model = SampleModel.LENET.build(digits.input(), digits.choices(), 1);

            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                FitReport report = trainer.fit(ShardedData.of(ImageExamples.train(digits), 32, 1), 1);
                double accuracy = trainer.evaluate(ShardedData.of(ImageExamples.heldOut(digits), 100, 1))
                        .accuracy();

                System.out.printf(
                        "rank %d of %d sent %,d bytes over %s in %d steps; accuracy %.3f, parameters %s%n",
                        session.world().rank(),
                        session.world().size(),
                        report.bytesSent(),
                        session.transport(),
                        report.steps(),
                        accuracy,
                        trainer.parametersSha256().substring(0, 8));
            }
        }
    }
}
