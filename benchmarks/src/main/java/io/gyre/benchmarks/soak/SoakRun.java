package io.gyre.benchmarks.soak;

import io.gyre.Gyre;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.ShardedData;
import io.gyre.dl4j.memory.SafeReclamation;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;

/** One JVM of a soak: trains for some seconds, then says how far it came. If it dies, it says nothing. */
public final class SoakRun {

    /** What trains, and who frees ND4J's memory. */
    enum Kind {
        PLAIN,
        PLAIN_SAFE,
        RANKS
    }

    private static final int RANKS = 2;
    private static final int STEPS_AT_ONCE = 100;

    /** First word of the line that {@link SoakCommand} reads. */
    static final String DONE = "soaked";

    private static volatile byte[] sink = new byte[0];

    private SoakRun() {}

    /**
     * Prints the number of collections, of steps, and microseconds per step.
     *
     * @param arguments a {@link SoakModel}, a {@link Kind}, seconds
     */
    public static void main(String[] arguments) throws InterruptedException {
        SoakModel model = SoakModel.valueOf(arguments[0]);
        Kind kind = Kind.valueOf(arguments[1]);
        long nanos = TimeUnit.SECONDS.toNanos(Long.parseLong(arguments[2]));
        long begin = System.nanoTime();
        LongSupplier left = () -> nanos - (System.nanoTime() - begin);
        Thread litter = new Thread(SoakRun::litter, "litter");
        litter.setDaemon(true);
        litter.start();
        long steps;
        if (kind == Kind.RANKS) {
            steps = ranks(model, left);
        } else if (kind == Kind.PLAIN) {
            steps = plain(model, left);
        } else {
            try (SafeReclamation reclamation = SafeReclamation.install()) {
                steps = plain(model, left);
            }
        }
        double micros = (System.nanoTime() - begin) / 1e3 / steps;
        System.out.println(String.format(Locale.ROOT, "%s %d %d %.1f", DONE, collections(), steps, micros));
    }

    /** Allocates, so that the young generation is full much more often than training alone fills it. */
    private static void litter() {
        while (sink != null) {
            for (int i = 0; i < 64; i++) {
                sink = new byte[16 << 10];
            }
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(200));
        }
    }

    private static long plain(SoakModel model, LongSupplier left) {
        MultiLayerNetwork network = model.build();
        DataSet data = model.data();
        long steps = 0;
        while (left.getAsLong() > 0) {
            network.fit(data);
            steps++;
        }
        return steps;
    }

    private static long ranks(SoakModel model, LongSupplier left) throws InterruptedException {
        AtomicLong steps = new AtomicLong();
        DataSet data = model.data();
        Gyre.local(RANKS).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model.build(), session)) {
                ShardedData shards = ShardedData.of(ExampleSource.of(data), SoakModel.ROWS / RANKS, 1);
                boolean more = true;
                while (more) {
                    trainer.fitSteps(shards, STEPS_AT_ONCE);
                    long of = left.getAsLong();
                    more = session.exchange("time left", new byte[] {(byte) (of > 0 ? 1 : 0)})
                                    .get(0)[0]
                            != 0;
                }
                steps.set(trainer.step());
            }
        });
        return steps.get();
    }

    private static long collections() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .mapToLong(GarbageCollectorMXBean::getCollectionCount)
                .sum();
    }
}
