package io.gyre.benchmarks;

import io.gyre.GyreException;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.training.GradientProgress;
import io.gyre.training.StepDriver;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.StepWork;
import io.gyre.training.UpdateStrategy;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One rank of the benchmark: runs training steps through its strategy, but waits instead of computing. Buckets become
 * complete during the backward part of the wait, and are reduced meanwhile, as in a training with overlapped exchange.
 * At the end the parameters show whether every gradient was applied exactly once.
 */
final class ScalingRank {

    private static final byte[] NOTHING = {};

    /** So that the last measured step still exchanges with all ranks. */
    private static final int STEPS_AFTER = 1;

    private final ScalingOptions options;
    private final ScalingCase run;
    private final Session session;
    private final World world;
    private final double dilation;
    private final BucketPlan plan;

    ScalingRank(ScalingOptions options, ScalingCase run, Session session) {
        this.options = options;
        this.run = run;
        this.session = session;
        world = session.world();
        dilation = options.dilation(run.gigabits());
        plan = TimedModel.plan(options.bytes(), options.bucketBytes());
    }

    /** Takes all steps; all ranks get the same result. */
    ScalingResult run() {
        RankFigures[] own = new RankFigures[1];
        run.strategy().use(session, options, dilation, strategy -> own[0] = train(strategy));
        List<RankFigures> all = session.exchange("figures", own[0].encode()).stream()
                .map(RankFigures::decode)
                .toList();
        int payload =
                world.size() == 1 ? 1 : session.endpoint().sender(world.right()).maxPayload();
        Wire wire = new Wire(run.gigabits() * 1e9, payload);
        ScalingFloor floor = new ScalingFloor(plan, options.computeSeconds(), options.backward(), wire);
        return ScalingResult.of(run, dilation, options.computeSeconds(), floor.seconds(run), all);
    }

    private RankFigures train(UpdateStrategy strategy) {
        boolean alone = strategy.reduction().ranks(world).size() == 1;
        try (MemoryBox gradients = strategy.reduction().allocate(options.bytes())) {
            TimedModel model = new TimedModel(gradients.region(), plan);
            try (StepDriver driver = new StepDriver(session, strategy, model, !alone, List.of())) {
                driver.start();
                session.exchange("the beginning", NOTHING);
                driver.resume(0);
                long steps = steps(strategy, world.rank());
                Work work = new Work(model);
                Usage begin = Usage.now();
                Usage end = begin;
                for (long step = 0; step < steps; step++) {
                    if (step == options.warmUp()) {
                        begin = Usage.now();
                    }
                    driver.step(work, step);
                    if (step <= options.warmUp() + options.steps() - 1) {
                        end = Usage.now();
                    }
                }
                int measured = (int) Math.min(options.steps(), steps - options.warmUp());
                driver.finish();
                check(strategy, model);
                return RankFigures.between(begin, end, measured);
            }
        }
    }

    /** A slow rank that need not wait for all others takes fewer steps, so that all end at about the same time. */
    private long steps(UpdateStrategy strategy, int rank) {
        int all = options.warmUp() + options.steps() + STEPS_AFTER;
        boolean inStep = strategy.reduction().ranks(world).size() == world.size();
        return inStep ? all : Math.max(options.warmUp() + 1, (long) Math.ceil(all / run.slowness(rank)));
    }

    /** Waits instead of computing. */
    private final class Work implements StepWork {

        private final TimedModel model;

        Work(TimedModel model) {
            this.model = model;
        }

        @Override
        public long examples() {
            return 1;
        }

        @Override
        public double backward(@Nullable GradientProgress progress) {
            long begin = System.nanoTime();
            for (Bucket bucket : plan.buckets()) {
                await(begin + nanos(1 - options.backward() + options.backward() * completeWith(bucket)));
                model.compute(bucket, world.rank());
                if (progress != null) {
                    progress.completeFrom(bucket.offset());
                }
            }
            await(begin + nanos(1));
            return 0;
        }

        @Override
        public StepReport report(double loss) {
            return StepReport.of(1, loss, false);
        }

        @Override
        public void check(StepSummary total) {
            // The parameters are checked at the end.
        }
    }

    /** Fraction of the gradients that is complete with a bucket. */
    private double completeWith(Bucket bucket) {
        return (double) (plan.elements() - bucket.offset()) / plan.elements();
    }

    /** A fraction of this rank's compute time, in real time. */
    private long nanos(double part) {
        double seconds = part * options.computeSeconds() * dilation * run.slowness(world.rank());
        return (long) (seconds * TimeUnit.SECONDS.toNanos(1));
    }

    private static void await(long deadline) {
        for (long rest = deadline - System.nanoTime(); rest > 0; rest = deadline - System.nanoTime()) {
            LockSupport.parkNanos(rest);
        }
    }

    private void check(UpdateStrategy strategy, TimedModel model) {
        long gradients = 0;
        for (int rank = 0; rank < world.size(); rank++) {
            gradients += steps(strategy, rank) * (rank + 1);
        }
        // A centre holds only a part of each group's updates, a mean a part of each rank's, and a codec may round.
        if (run.strategy().isExact()) {
            model.check(gradients);
        }
        long own = model.checksum();
        List<byte[]> all = session.exchange(
                "checksums", ByteBuffer.allocate(Long.BYTES).putLong(own).array());
        for (int rank = 0; rank < all.size(); rank++) {
            if (ByteBuffer.wrap(all.get(rank)).getLong() != own) {
                throw new GyreException("ranks " + world.rank() + " and " + rank + " have different parameters after "
                        + strategy.description());
            }
        }
    }
}
