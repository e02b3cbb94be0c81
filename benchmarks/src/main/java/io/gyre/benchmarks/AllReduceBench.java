package io.gyre.benchmarks;

import io.gyre.Collective;
import io.gyre.ElementType;
import io.gyre.MemoryBox;
import io.gyre.ReduceOp;
import io.gyre.Region;
import io.gyre.Session;
import io.gyre.World;
import io.gyre.allreduce.Collectives;
import io.gyre.kernel.Kernels;
import io.gyre.kernels.FastKernels;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * One rank of the benchmark. In each round every rank writes its vector, all wait for each other, reduce, and compare every element
 * of the result. The time of a round is that of its slowest rank, from the barrier to the end of its all-reduce; writing and
 * comparing are not in it.
 *
 * <p>All lengths are warmed up before the first is measured, because the compiler learns from all of them.
 */
final class AllReduceBench {

    /** So that a median means something however long a round takes. */
    private static final int LEAST_ROUNDS = 10;

    private final AllReduceOptions options;
    private final Session session;
    private final World world;
    private final Kernels kernels = FastKernels.choose();
    private final Collective collective;
    private final TestPattern pattern = new TestPattern();
    private final Region agreed = Region.allocate("time and end of a round", 2 * Double.BYTES);
    private int round;

    AllReduceBench(AllReduceOptions options, Session session) {
        this(options, session, Collectives.choose(session.endpoint(), options.algorithm()));
    }

    AllReduceBench(AllReduceOptions options, Session session, Collective collective) {
        this.options = options;
        this.session = session;
        this.collective = collective;
        world = session.world();
    }

    /** Measures all lengths; all ranks get the same report. */
    AllReduceReport run() {
        long longest = Collections.max(options.bytes());
        try (MemoryBox memory = collective.allocate("vector", longest)) {
            Region vector = memory.region();
            for (long bytes : options.bytes()) {
                measure(vector.slice(0, bytes), options.warmUp());
            }
            List<AllReduceResult> results = new ArrayList<>();
            for (long bytes : options.bytes()) {
                Region part = vector.slice(0, bytes);
                double floorNanos = new MemoryFloor(collective, kernels).nanos(part);
                results.add(AllReduceResult.of(bytes, measure(part, options.time()), floorNanos));
            }
            return AllReduceReport.of(session, options, collective, kernels, results);
        }
    }

    private Histogram measure(Region vector, Duration time) {
        Histogram nanos = new Histogram(3);
        long begin = System.nanoTime();
        boolean more = true;
        while (more) {
            long own = round(vector);
            boolean enough = nanos.getTotalCount() + 1 >= LEAST_ROUNDS && System.nanoTime() - begin >= time.toNanos();
            agreed.putDouble(0, (double) own);
            // The root decides for all.
            agreed.putDouble(Double.BYTES, world.isRoot() && enough ? 1 : 0);
            collective.allReduce(agreed, ElementType.FLOAT64, ReduceOp.MAX, round, 0);
            nanos.recordValue((long) agreed.getDouble(0));
            more = agreed.getDouble(Double.BYTES) == 0;
        }
        return nanos;
    }

    private long round(Region vector) {
        round++;
        pattern.fill(vector, world.rank(), round);
        collective.barrier(round);
        long begin = System.nanoTime();
        collective.allReduce(vector, ElementType.FLOAT32, ReduceOp.SUM, round, 0);
        long nanos = System.nanoTime() - begin;
        pattern.check(vector, world.size(), round);
        return nanos;
    }
}
