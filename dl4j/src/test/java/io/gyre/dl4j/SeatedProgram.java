package io.gyre.dl4j;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;

/**
 * A program with several calls, of which a process may be lost at a place that is given: {@code -Dhalt=step:N} ends it
 * in the progress listener after step N, {@code read:N} when it reads the N-th batch, {@code evaluate} before it
 * evaluates, {@code start} before its trainer, {@code pass:N} in its N-th pass. With {@code -Dgate=FILE}, all wait after
 * step 8 for that file. With {@code -Dsegments=true} batches are sequences, which take two, three and one steps. With
 * {@code -Dstop=N} all ask to stop after step N.
 */
final class SeatedProgram {

    private static final String HALT = System.getProperty("halt", "");
    private static final String GATE = System.getProperty("gate", "");
    private static final boolean SEGMENTS = Boolean.getBoolean("segments");
    private static final long GATE_STEP = 8;
    private static final long STOP = Long.getLong("stop", 0);
    private static int reads;
    private static int passes;

    private SeatedProgram() {}

    public static void main(String[] arguments) {
        Model model = model(SEGMENTS);
        if (HALT.startsWith("pass:")) {
            model.addListeners(new BaseTrainingListener() {
                @Override
                public void onGradientCalculation(Model of) {
                    passes++;
                    haltAt("pass:" + passes);
                }
            });
        }
        haltAt("start");
        run(Gyre.builder(model), SEGMENTS, STOP);
    }

    /** The result of a run without losses. */
    static String onThreads(int ranks, boolean segments) throws Exception {
        return onThreads(ranks, segments, 0);
    }

    /** As {@link #onThreads(int, boolean)}, asked to stop after a step. */
    static String onThreads(int ranks, boolean segments, long stop) throws Exception {
        return io.gyre.local.Gyre.local(ranks)
                .call(session -> run(DistributedTrainer.builder(model(segments), session), segments, stop))
                .get(0);
    }

    private static Model model(boolean segments) {
        if (segments) {
            return Sequences.lstm(new Adam(0.01), DataType.FLOAT);
        }
        return TestModels.perceptron(
                TestModels.configuration(new Adam(0.01), DataType.FLOAT).dropOut(0.8));
    }

    private static String run(TrainerBuilder builder, boolean segments, long stop) {
        AtomicReference<DistributedTrainer> own = new AtomicReference<>();
        builder.seed(5).progressListener((step, epoch, total) -> {
            System.out.println("done step " + step);
            haltAt("step:" + step);
            if (step == GATE_STEP) {
                awaitGate();
            }
            if (step == stop) {
                own.get().requestStop();
            }
        });
        try (DistributedTrainer trainer = builder.build()) {
            own.set(trainer);
            return run(trainer, segments);
        }
    }

    private static List<MultiDataSet> batches(boolean segments) {
        if (segments) {
            Sequences.BatchMaker maker = Sequences.maker(DataType.FLOAT, false);
            return List.of(maker.of(9, 5, 1), maker.of(8, 7, 2), maker.of(5, 3, 3));
        }
        return TestData.batches(TestData.vectors(53, DataType.FLOAT, 1), 9).stream()
                .map(DataSet::toMultiDataSet)
                .toList();
    }

    private static String run(DistributedTrainer trainer, boolean segments) {
        BatchList iterator = new BatchList(batches(segments));
        iterator.setPreProcessor(batch -> haltAt("read:" + reads++));
        ShardedData data = ShardedData.of(iterator, Sharding.EXAMPLES);
        trainer.fit(data, 2);
        haltAt("evaluate");
        Evaluation first = trainer.evaluate(data);
        trainer.fit(data, 1);
        Evaluation second = trainer.evaluate(data);
        String result = "result " + trainer.parametersSha256() + " step " + trainer.step() + " epoch " + trainer.epoch()
                + " score " + trainer.score() + " accuracy " + first.accuracy() + " " + second.accuracy();
        System.out.println(result + " equal "
                + trainer.parametersSha256OfAllRanks().stream().distinct().count());
        return result;
    }

    /** All processes wait here for a file, if the test says so. */
    private static void awaitGate() {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (!GATE.isEmpty() && !Files.exists(Path.of(GATE))) {
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("the test has not created " + GATE + " within a minute");
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    private static void haltAt(String place) {
        if (HALT.equals(place)) {
            System.out.println("halts at " + place);
            Runtime.getRuntime().halt(137);
        }
    }
}
