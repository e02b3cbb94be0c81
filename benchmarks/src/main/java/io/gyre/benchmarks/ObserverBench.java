package io.gyre.benchmarks;

import io.gyre.GyreException;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.ShardedData;
import io.gyre.live.RankReporter;
import io.gyre.local.Gyre;
import io.gyre.runs.RunFiles;
import io.gyre.session.Session;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Two trainers of equal models take turns on the same ranks, which are threads: one is watched by a timeline, the
 * Flight Recorder with all of its events, the reports of a run that is kept, an observer that counts, and the report of
 * stalls; the other by nothing. A perceptron is the worst case, since its steps are short. Both must end with the same
 * parameters.
 */
final class ObserverBench {

    private static final int ROWS = 1_024;
    private static final int INPUTS = 784;
    private static final int CLASSES = 10;
    private static final int BATCH = 32;

    private final int ranks;
    private final int steps;
    private final int rounds;
    private final int warmUp;
    private final AtomicLong events = new AtomicLong();
    private final double[] alone;
    private final double[] watched;

    ObserverBench(int ranks, int steps, int rounds) {
        this.ranks = ranks;
        this.steps = steps;
        this.rounds = rounds;
        warmUp = (rounds + 2) / 3;
        alone = new double[rounds];
        watched = new double[rounds];
    }

    private final class Counter implements StepObserver {
        @Override
        public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
            events.lazySet(events.get() + 1);
        }
    }

    ObserverResult run() throws Exception {
        Path directory = Files.createTempDirectory("gyre-observers-");
        try (Recording recording = new Recording()) {
            for (String name : new String[] {"Step", "Phase", "BucketReduction", "Push", "Wait", "Stall"}) {
                recording.enable("gyre." + name).withThreshold(Duration.ZERO);
            }
            recording.start();
            Gyre.local(ranks).run(session -> measure(session, directory));
            check(directory.resolve("trace.json"));
        } finally {
            delete(directory);
        }
        double[] ratios = new double[rounds];
        Arrays.setAll(ratios, round -> watched[round] / alone[round]);
        double[] costs = new double[rounds];
        Arrays.setAll(costs, round -> watched[round] - alone[round]);
        return new ObserverResult(
                quantile(alone, 0.5),
                quantile(watched, 0.5),
                quantile(costs, 0.5),
                quantile(ratios, 0.5),
                quantile(ratios, 0.25),
                quantile(ratios, 0.75),
                events.get());
    }

    private void measure(Session session, Path directory) throws IOException {
        StepObserver counter = session.world().isRoot() ? new Counter() : new StepObserver() {};
        // The recorder is in use, and would be told by each of them.
        try (RankReporter reporter = RankReporter.open(
                        new RunFiles(directory),
                        session.members().get(session.world().rank()),
                        session.world().size());
                DistributedTrainer plain = DistributedTrainer.builder(model(), session)
                        .flightRecorder(false)
                        .stallReport(Duration.ZERO)
                        .build();
                DistributedTrainer observed = DistributedTrainer.builder(model(), session)
                        .observer(counter)
                        .observer(reporter)
                        .timeline(directory.resolve("trace.json"))
                        .build()) {
            ShardedData forPlain = data();
            ShardedData forObserved = data();
            for (int round = -warmUp; round < rounds; round++) {
                boolean plainFirst = round % 2 == 0;
                double first = micros(plainFirst ? plain : observed, plainFirst ? forPlain : forObserved);
                double second = micros(plainFirst ? observed : plain, plainFirst ? forObserved : forPlain);
                if (round >= 0 && session.world().isRoot()) {
                    alone[round] = plainFirst ? first : second;
                    watched[round] = plainFirst ? second : first;
                }
            }
            if (!plain.parametersSha256().equals(observed.parametersSha256())) {
                throw new GyreException("the training that was watched ended with other parameters than the other");
            }
        }
    }

    private double micros(DistributedTrainer trainer, ShardedData data) {
        long begin = System.nanoTime();
        trainer.fitSteps(data, steps);
        return (System.nanoTime() - begin) / 1e3 / steps;
    }

    private void check(Path timeline) throws IOException {
        long steps = (long) this.steps * (rounds + warmUp);
        // Eight phases of a step, or seven if there is nobody to reduce with; an end of an epoch has another load.
        if (events.get() < (ranks == 1 ? 7 : 8) * steps) {
            throw new GyreException("the observer has heard of " + events.get() + " phases in " + steps + " steps");
        }
        if (Files.size(timeline) < 100 * steps) {
            throw new GyreException("the timeline has only " + Files.size(timeline) + " bytes for " + steps + " steps");
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static MultiLayerNetwork model() {
        MultiLayerNetwork model = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(0.001))
                .list()
                .layer(new DenseLayer.Builder()
                        .nOut(64)
                        .activation(Activation.RELU)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.feedForward(INPUTS))
                .build());
        model.init();
        return model;
    }

    private static ShardedData data() {
        Random random = new Random(1);
        float[] pixels = new float[ROWS * INPUTS];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = random.nextFloat();
        }
        INDArray labels = Nd4j.zeros(ROWS, CLASSES);
        for (int row = 0; row < ROWS; row++) {
            labels.putScalar(row, random.nextInt(CLASSES), 1);
        }
        return ShardedData.of(ExampleSource.of(new DataSet(Nd4j.create(pixels, ROWS, INPUTS), labels)), BATCH, 1);
    }

    private static double quantile(double[] values, double q) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) (q * (sorted.length - 1))];
    }
}
