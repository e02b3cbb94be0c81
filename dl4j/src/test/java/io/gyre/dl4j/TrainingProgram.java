package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.allreduce.RingCollective;
import io.gyre.session.Session;
import io.gyre.training.GradientReduction;
import io.gyre.training.ParameterExchange;
import io.gyre.training.StepSummary;
import io.gyre.training.Synchronous;
import io.gyre.training.TrainableModel;
import io.gyre.training.UpdateStrategy;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;

/**
 * A rank that trains in its own process. In the given phase the victim reports it and stops there; a rank that fails
 * prints why, and exits with status 1.
 */
final class TrainingProgram {

    /** Number of the step, from 0, in which the victim stops. */
    private static final int LAST_STEP = 3;

    private static final int STEPS = 6;

    /** Where a rank can be killed. */
    enum Phase {
        /** Between all-reduce and updater. */
        UPDATE,
        /** Writing a checkpoint, for which the others wait. */
        CHECKPOINT,
        /** Doing something else between two calls of {@code fit}. */
        IDLE,
        /** Reading the first batch, which never arrives on any rank. */
        DATA,
        /** In a listener, as all ranks are. */
        LISTENER
    }

    private TrainingProgram() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Phase phase = Phase.valueOf(arguments[0]);
        JoinOptions options = JoinOptions.fromEnvironment();
        boolean victim = options.rank() == Integer.parseInt(arguments[1]);
        int status = 0;
        try (Session session = AeronSession.join(options)) {
            train(session, phase, victim, Path.of(arguments[2]));
        } catch (GyreException e) {
            System.out.println(e.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    private static void train(Session session, Phase phase, boolean victim, Path checkpoints) {
        MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT));
        if (phase == Phase.LISTENER) {
            model.setListeners(new StaysInAListener());
        }
        TrainerBuilder builder = DistributedTrainer.builder(model, session)
                .strategy(new StopsBeforeUpdater(
                        new Synchronous(new RingCollective(session.endpoint())), victim && phase == Phase.UPDATE));
        if (phase == Phase.CHECKPOINT) {
            builder.checkpointDirectory(checkpoints).checkpointEverySteps(LAST_STEP + 1);
        }
        if (victim && phase == Phase.CHECKPOINT) {
            builder.progressListener((step, epoch, summary) -> stopInCheckpoint(step, checkpoints));
        }
        try (DistributedTrainer trainer = builder.build()) {
            ShardedData data = ShardedData.of(source(phase), 4, 1);
            trainer.fitSteps(data, STEPS);
            if (victim && phase == Phase.IDLE) {
                stay(Phase.IDLE);
            }
            trainer.fitSteps(data, STEPS);
        }
    }

    private static ExampleSource source(Phase phase) {
        DataSet examples = TestData.vectors(64, DataType.FLOAT, 1);
        if (phase == Phase.DATA) {
            return ExampleSource.of(examples.numExamples(), indices -> {
                stay(Phase.DATA);
                return examples;
            });
        }
        return ExampleSource.of(examples);
    }

    private static final class StaysInAListener extends BaseTrainingListener {

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            if (iteration == LAST_STEP) {
                stay(Phase.LISTENER);
            }
        }
    }

    /** Replaces the file to be written by a pipe without a reader: opening it blocks for ever. */
    private static void stopInCheckpoint(long step, Path checkpoints) {
        if (step == LAST_STEP + 1) {
            try {
                new ProcessBuilder(
                                "mkfifo",
                                checkpoints.resolve("unfinished.checkpoint").toString())
                        .inheritIO()
                        .start()
                        .waitFor();
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
            System.out.println("in " + Phase.CHECKPOINT);
        }
    }

    private static void stay(Phase phase) {
        System.out.println("in " + phase);
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Synchronous training by a rank that may stop once the gradients are reduced. */
    private record StopsBeforeUpdater(Synchronous synchronous, boolean stops)
            implements UpdateStrategy, ParameterExchange {

        @Override
        public String name() {
            return synchronous.name();
        }

        @Override
        public GradientReduction reduction() {
            return synchronous.reduction();
        }

        @Override
        public ParameterExchange exchange() {
            return this;
        }

        @Override
        public void apply(TrainableModel model, StepSummary total, long step) {
            if (stops && step == LAST_STEP) {
                stay(Phase.UPDATE);
            }
            model.update(total);
        }
    }
}
