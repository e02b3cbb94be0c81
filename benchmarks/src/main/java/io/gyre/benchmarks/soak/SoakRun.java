package io.gyre.benchmarks.soak;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.ShardedData;
import io.gyre.dl4j.memory.SafeReclamation;
import io.gyre.local.Gyre;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;

/** One JVM of a soak: trains for some seconds, and reports its progress. */
public final class SoakRun {

    /** What trains, and which code frees ND4J's memory. */
    enum Kind {
        /** Deeplearning4j alone. */
        PLAIN,
        /** Deeplearning4j under {@link SafeReclamation}. */
        SAFE,
        /** A trainer on two ranks of one JVM, with safe reclamation by default. */
        RANKS
    }

    private static final int RANKS = 2;
    private static final int STEPS_AT_ONCE = 10;
    private static final long LITTER_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

    private static volatile byte[] litter = new byte[0];

    private SoakRun() {}

    /**
     * Trains.
     *
     * @param arguments a {@link SoakModel}, a {@link Kind}, seconds, and any fourth argument to make the JVM collect
     *     more often
     */
    public static void main(String[] arguments) throws InterruptedException {
        SoakModel model = SoakModel.valueOf(arguments[0]);
        if (arguments.length > 3) {
            startLitter();
        }
        SoakProgress progress = new SoakProgress(Integer.parseInt(arguments[2]));
        switch (Kind.valueOf(arguments[1])) {
            case PLAIN -> train(model, progress);
            case SAFE -> {
                SafeReclamation reclamation = SafeReclamation.install();
                train(model, progress);
                reclamation.close();
            }
            case RANKS -> trainOnRanks(model, progress);
        }
        progress.finish();
    }

    /** Allocates, so that collections also come while native code runs. */
    private static void startLitter() {
        Thread thread = new Thread(
                () -> {
                    for (int i = 0; litter != null; i++) {
                        litter = new byte[16 << 10];
                        if (i % 64 == 0) {
                            LockSupport.parkNanos(LITTER_NANOS);
                        }
                    }
                },
                "litter");
        thread.setDaemon(true);
        thread.start();
    }

    private static void train(SoakModel model, SoakProgress progress) {
        MultiLayerNetwork network = model.build();
        DataSet data = model.data();
        long steps = 0;
        while (progress.more(steps)) {
            network.fit(data);
            steps++;
        }
    }

    private static void trainOnRanks(SoakModel model, SoakProgress progress) throws InterruptedException {
        DataSet data = model.data();
        Gyre.local(RANKS).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model.build(), session)) {
                ShardedData shards = ShardedData.of(ExampleSource.of(data), SoakModel.ROWS / RANKS, 1);
                boolean more = true;
                while (more) {
                    trainer.fitSteps(shards, STEPS_AT_ONCE);
                    boolean root = session.world().isRoot();
                    byte[] own = {(byte) (root && progress.more(trainer.step()) ? 1 : 0)};
                    more = session.exchange("time left", own).get(0)[0] == 1;
                }
            }
        });
    }
}
