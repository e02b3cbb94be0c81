package io.gyre.samples;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ShardedData;
import io.gyre.dl4j.Strategies;
import io.gyre.local.Gyre;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageExamples;
import io.gyre.samples.data.ImageSet;
import io.gyre.samples.model.SampleModel;
import io.gyre.session.Session;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.evaluation.classification.Evaluation;

/**
 * Parameters on a server: two workers push gradients and pull parameters, at most three steps apart, and a third rank
 * holds the parameters and updates them by the model's own Adam. All are threads of this JVM; needs no flag and no
 * file.
 */
public final class ParameterServerProgram {

    /** Steps that the faster worker may be ahead. */
    private static final int STALENESS = 3;

    private ParameterServerProgram() {}

    /** Trains for four passes over the data, and prints the accuracy on the held-out digits. */
    public static void main(String[] arguments) throws InterruptedException {
        ImageSet digits = DrawnDigits.of(1);

        Gyre.local(3).run(session -> {
            Model model = SampleModel.MLP.build(digits.input(), digits.choices(), 1);

            try (ParameterService service = ParameterService.builder(session)
                    .servers(1)
                    .training(Strategies.training(model, new StaleSynchronous(STALENESS)))
                    .start()) {
                if (service.isServer()) {
                    service.serve();
                } else {
                    train(model, digits, service);
                }
            }
        });
    }

    private static void train(Model model, ImageSet digits, ParameterService service) {
        Session workers = service.workers();
        try (DistributedTrainer trainer = DistributedTrainer.builder(model, workers)
                .strategy(Strategies.parameterServer(model, service))
                .build()) {
            // 32 examples per worker and step, and each step of a worker is an update.
            trainer.fit(ShardedData.of(ImageExamples.train(digits), 32, 1), 4);
            Evaluation evaluation = trainer.evaluate(ShardedData.of(ImageExamples.heldOut(digits), 100, 1));

            if (workers.world().isRoot()) {
                System.out.printf(
                        "accuracy %.3f after %d steps of each worker%n", evaluation.accuracy(), trainer.step());
            }
        }
    }
}
