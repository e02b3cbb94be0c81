package io.gyre.dl4j;

import io.gyre.session.Session;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;

/**
 * A program with several calls, of which a process may be lost at a place that is given: {@code -Dhalt=step:N} ends it
 * in the progress listener after step N, {@code read:N} when it reads the N-th batch, {@code evaluate} before it
 * evaluates, {@code start} before its trainer. With {@code -Dgate=FILE}, all wait after step 8 for that file. With
 * {@code -Dsegments=true} batches are sequences, which take two, three and one steps.
 */
final class SeatedProgram {

    private static final String HALT = System.getProperty("halt", "");
    private static final String GATE = System.getProperty("gate", "");
    private static final boolean SEGMENTS = Boolean.getBoolean("segments");
    private static final long GATE_STEP = 8;
    private static int reads;

    private SeatedProgram() {}

    public static void main(String[] arguments) {
        Model model = model(SEGMENTS);
        haltAt("start");
        TrainerBuilder builder = Gyre.builder(model);
        try (DistributedTrainer trainer = build(builder)) {
            run(trainer, SEGMENTS);
        }
    }

    static String onThreads(int ranks, boolean segments) throws Exception {
        return io.gyre.local.Gyre.local(ranks)
                .call(session -> run(session, segments))
                .get(0);
    }

    private static String run(Session session, boolean segments) {
        try (DistributedTrainer trainer = build(DistributedTrainer.builder(model(segments), session))) {
            return run(trainer, segments);
        }
    }

    private static Model model(boolean segments) {
        if (segments) {
            return Sequences.lstm(new Adam(0.01), DataType.FLOAT);
        }
        return TestModels.perceptron(
                TestModels.configuration(new Adam(0.01), DataType.FLOAT).dropOut(0.8));
    }

    private static DistributedTrainer build(TrainerBuilder builder) {
        return builder.seed(5)
                .progressListener((step, epoch, total) -> {
                    System.out.println("done step " + step);
                    haltAt("step:" + step);
                    if (step == GATE_STEP) {
                        awaitGate();
                    }
                })
                .build();
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
