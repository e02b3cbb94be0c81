package io.gyre.dl4j;

import io.gyre.session.Session;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.scorecalc.ScoreCalculator;
import org.deeplearning4j.earlystopping.termination.IterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.termination.MaxScoreIterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.ScoreImprovementEpochTerminationCondition;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/**
 * Early stopping, of which a process may be lost at a place that is given: {@code -Dhalt=step:N} ends it in the
 * progress listener after step N, {@code score:N} when it calculates its N-th score, {@code shared:N} after a step from
 * N on that it has taken with another process. With {@code -Donce=FILE} only rank 0 is lost, and creates that file: no
 * other is lost then. With {@code -Dgate=N:FILE}, all wait after step N for that file, and are slow from then on.
 * {@code -Duntil} says what ends the training: see {@link Until}.
 */
final class SeatedEarlyStopping {

    private static final String HALT = System.getProperty("halt", "");
    private static final String ONCE = System.getProperty("once", "");
    private static final String GATE = System.getProperty("gate", "");
    private static @Nullable DistributedTrainer own;
    private static int scores;

    private SeatedEarlyStopping() {}

    /** What ends the training. */
    enum Until {
        /** The score gets worse, by epochs. */
        WORSE,
        /** The loss of a step explodes, since the learning rate rises. */
        EXPLODED,
        /** A condition of steps that remembers them: refused. */
        REMEMBERED
    }

    public static void main(String[] arguments) throws IOException {
        Until until = Until.valueOf(System.getProperty("until"));
        MultiLayerNetwork model = model(until);
        try (DistributedTrainer trainer = Gyre.builder(model)
                .progressListener((step, epoch, total) -> afterStep(step))
                .build()) {
            own = trainer;
            System.out.println(run(trainer, until));
        }
    }

    private static void afterStep(long step) {
        System.out.println("done step " + step);
        haltAt("step:" + step);
        Session session = Objects.requireNonNull(own).engine().session;
        if (HALT.startsWith("shared:")
                && step >= Long.parseLong(HALT.substring("shared:".length()))
                && session.seats().size() < session.world().size()) {
            haltAt(HALT);
        }
        awaitGate(step);
    }

    static String onThreads(int ranks, Until until) throws Exception {
        return io.gyre.local.Gyre.local(ranks)
                .call(session -> run(session, until))
                .get(0);
    }

    private static String run(Session session, Until until) throws IOException {
        try (DistributedTrainer trainer = DistributedTrainer.of(model(until), session)) {
            return run(trainer, until);
        }
    }

    private static MultiLayerNetwork model(Until until) {
        MapSchedule rates = new MapSchedule.Builder(ScheduleType.ITERATION)
                .add(0, 0.4)
                .add(until == Until.EXPLODED ? 12 : 1_000_000, 40.0)
                .build();
        return TestModels.perceptron(TestModels.configuration(new Nesterovs(rates), DataType.DOUBLE));
    }

    private static EarlyStoppingConfiguration<MultiLayerNetwork> configuration(Until until) {
        EarlyStoppingConfiguration.Builder<MultiLayerNetwork> builder = new EarlyStoppingConfiguration.Builder<
                        MultiLayerNetwork>()
                .scoreCalculator(
                        new Calculator(new DataSetLossCalculator(DistributedEarlyStoppingTest.heldOut(), true)))
                .modelSaver(new InMemoryModelSaver<>());
        return switch (until) {
            case WORSE ->
                builder.epochTerminationConditions(
                                new ScoreImprovementEpochTerminationCondition(3), new MaxEpochsTerminationCondition(60))
                        .build();
            case EXPLODED ->
                builder.iterationTerminationConditions(new MaxScoreIterationTerminationCondition(3))
                        .build();
            case REMEMBERED ->
                builder.iterationTerminationConditions(new Remembering()).build();
        };
    }

    private static String run(DistributedTrainer trainer, Until until) throws IOException {
        EarlyStoppingConfiguration<MultiLayerNetwork> configuration = configuration(until);
        EarlyStoppingResult<MultiLayerNetwork> result =
                new DistributedEarlyStopping<>(configuration, trainer, DistributedEarlyStoppingTest.data()).fit();
        MultiLayerNetwork best = result.getBestModel();
        if (trainer.world().isRoot()) {
            MultiLayerNetwork saved = configuration.getModelSaver().getBestModel();
            Bound.assertIdentical(saved.params(), best.params());
        }
        return "result " + result.getTerminationReason() + " " + result.getTerminationDetails() + " epochs "
                + result.getTotalEpochs() + " best " + result.getBestModelEpoch() + " of "
                + result.getScoreVsEpoch().entrySet().stream()
                        .map(entry -> entry.getKey() + "=" + entry.getValue())
                        .collect(Collectors.joining(","))
                + " model " + sha256(best) + " at step " + best.getIterationCount() + ", "
                + best.getEpochCount() + " now " + trainer.parametersSha256() + " at step " + trainer.step();
    }

    private static String sha256(MultiLayerNetwork model) {
        return Checksums.sha256(HostMemory.region("parameters", model.params())) + " "
                + Checksums.sha256(
                        HostMemory.region("updater", model.getUpdater().getStateViewArray()));
    }

    /** All processes wait here for a file, if the test says so. */
    private static void awaitGate(long step) {
        if (GATE.isEmpty() || step < Long.parseLong(GATE.substring(0, GATE.indexOf(':')))) {
            return;
        }
        Path file = Path.of(GATE.substring(GATE.indexOf(':') + 1));
        LockSupport.parkNanos(100_000_000);
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (!Files.exists(file)) {
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("the test has not created " + file + " within a minute");
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    private static void haltAt(String place) {
        if (HALT.equals(place) && isTheOne()) {
            System.out.println("halts at " + place);
            Runtime.getRuntime().halt(137);
        }
    }

    private static boolean isTheOne() {
        if (ONCE.isEmpty()) {
            return true;
        }
        try {
            return Objects.requireNonNull(own).world().isRoot() && new File(ONCE).createNewFile();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends the process at one of its scores, if the test says so. */
    private record Calculator(ScoreCalculator<org.deeplearning4j.nn.api.Model> calculator)
            implements ScoreCalculator<MultiLayerNetwork> {

        @Override
        public double calculateScore(MultiLayerNetwork network) {
            double score = calculator.calculateScore(network);
            haltAt("score:" + scores++);
            return score;
        }

        @Override
        public boolean minimizeScore() {
            return true;
        }
    }

    /** Counts the steps that it has heard of. */
    private static final class Remembering implements IterationTerminationCondition {

        private static final long serialVersionUID = 1L;

        private int steps;

        @Override
        public void initialize() {
            steps = 0;
        }

        @Override
        public boolean terminate(double score) {
            steps++;
            return steps == 10;
        }
    }
}
