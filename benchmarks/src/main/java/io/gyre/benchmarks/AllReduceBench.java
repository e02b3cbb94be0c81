package io.gyre.benchmarks;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.allreduce.Collectives;
import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.kernel.Kernels;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.openblas.FastKernels;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * One rank of the benchmark. In each round every rank writes its vector, all pass a barrier, reduce, and check every
 * element of the result. The time of a round is that of its slowest rank, from the barrier to the end of its
 * all-reduce, without writing and checking.
 *
 * <p>All lengths are warmed up before the first is measured, because all of them influence the compiler; and again
 * while the compiler is busy, because on a host with one core per rank it takes cores from the ranks.
 */
final class AllReduceBench {

    /** For a meaningful median, however long a round takes. */
    private static final int LEAST_ROUNDS = 10;

    private static final int LEAST_WARM_UP_ROUNDS = 3;

    /** Bounds a run, however long the compiler takes. */
    private static final int MOST_WARM_UPS = 6;

    private final AllReduceOptions options;
    private final Session session;
    private final World world;
    private final Kernels kernels = FastKernels.choose();
    private final Collective collective;
    private final CompilerLoad compiler = new CompilerLoad();
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

    /**
     * Measures all lengths; all ranks get the same report.
     *
     * @param joinNanos how long this rank took to join
     */
    AllReduceReport run(long joinNanos) {
        double join = joinOfLast(joinNanos);
        long longest = Collections.max(options.bytes());
        try (MemoryBox memory = collective.allocate("vector", longest)) {
            Region vector = memory.region();
            int passes = 0;
            do {
                compiler.begin();
                for (long bytes : options.bytes()) {
                    measure(vector.slice(0, bytes), options.warmUp(), LEAST_WARM_UP_ROUNDS);
                }
                passes++;
            } while (passes < MOST_WARM_UPS && !options.warmUp().isZero() && anyRankCompiles());
            ProcessorTime begin = ProcessorTime.now();
            List<AllReduceResult> results = new ArrayList<>();
            for (long bytes : options.bytes()) {
                Region part = vector.slice(0, bytes);
                double floorNanos = new MemoryFloor(collective, kernels).nanos(part);
                results.add(AllReduceResult.of(bytes, measure(part, options.time(), LEAST_ROUNDS), floorNanos));
            }
            return AllReduceReport.of(session, options, collective, kernels, join, results, othersShare(begin));
        }
    }

    /** In seconds: that of the rank which waited least for others; all ranks get the same value. */
    private double joinOfLast(long joinNanos) {
        ByteBuffer own = ByteBuffer.allocate(Long.BYTES).putLong(0, joinNanos);
        return session.exchange("join time", own.array()).stream()
                        .mapToLong(nanos -> ByteBuffer.wrap(nanos).getLong())
                        .min()
                        .orElseThrow()
                / 1e9;
    }

    /** Of rank 0's host; all ranks get the same value. */
    private @Nullable Double othersShare(ProcessorTime begin) {
        ProcessorTime used = ProcessorTime.now().since(begin);
        ByteBuffer own = ByteBuffer.allocate(Long.BYTES).putLong(0, used.ownTicks());
        List<byte[]> all = session.exchange("processor time", own.array());
        String host = session.members().get(0).host();
        long ours = 0;
        for (int rank = 0; rank < all.size(); rank++) {
            boolean sameHost = session.members().get(rank).host().equals(host);
            ours += sameHost ? ByteBuffer.wrap(all.get(rank)).getLong() : 0;
        }
        Double share = used.othersShare(ours);
        ByteBuffer answer = ByteBuffer.allocate(Double.BYTES).putDouble(0, share == null ? Double.NaN : share);
        double ofRoot = ByteBuffer.wrap(
                        session.exchange("share of others", answer.array()).get(0))
                .getDouble();
        return Double.isNaN(ofRoot) ? null : ofRoot;
    }

    /** All ranks get the same result. */
    private boolean anyRankCompiles() {
        round++;
        agreed.putDouble(0, compiler.isBusy() ? 1 : 0);
        agreed.putDouble(Double.BYTES, 0);
        collective.allReduce(agreed, ElementType.FLOAT64, ReduceOp.MAX, round, 0);
        return agreed.getDouble(0) > 0;
    }

    private Histogram measure(Region vector, Duration time, int leastRounds) {
        Histogram nanos = new Histogram(3);
        long begin = System.nanoTime();
        boolean more = true;
        while (more) {
            long own = round(vector);
            boolean enough = nanos.getTotalCount() + 1 >= leastRounds && System.nanoTime() - begin >= time.toNanos();
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
