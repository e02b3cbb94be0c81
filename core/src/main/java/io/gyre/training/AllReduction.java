package io.gyre.training;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reduces gradients by an all-reduce, bucket by bucket.
 *
 * <p>They arrive as sums over examples, and the model's own updater divides them by the number of all examples
 * afterwards: batches of unequal size, and ranks without data, need no correction.
 */
final class AllReduction implements GradientReduction {

    /** Bucket number of frames that carry no gradients. */
    private static final int NO_BUCKET = -1;

    /** Examples, score, answers, two fingerprints: one double each. */
    private static final int REPORT_BYTES = 5 * Double.BYTES;

    /** The answers to yes-or-no questions, added up. */
    private static final int STOP = 1;

    private static final int UNFINISHED = 2;
    private static final int OVERFLOW = 4;
    private static final int REGROUP = 8;

    private final Collective collective;
    private final List<Integer> ranks;
    private final List<Integer> rows;
    private final Region reports;

    private @Nullable Region cut;
    private List<Region> parts = List.of();

    /**
     * Creates the reduction for one rank.
     *
     * @param collective borrowed; the same algorithm on all ranks
     * @param ranks those of the collective, by their numbers in the world that trains
     */
    AllReduction(Collective collective, List<Integer> ranks) {
        this(collective, ranks, List.of(collective.world().rank()));
    }

    /**
     * Creates the reduction for a process that reports for several ranks.
     *
     * @param collective borrowed; of one rank for each process
     * @param ranks those in step, by their numbers in the world that trains
     * @param rows of the reports that this process writes, in the order of its seats
     */
    AllReduction(Collective collective, List<Integer> ranks, List<Integer> rows) {
        this.collective = collective;
        this.ranks = List.copyOf(ranks);
        this.rows = List.copyOf(rows);
        reports = Region.allocate("step reports", (long) REPORT_BYTES * ranks.size());
    }

    @Override
    public List<Integer> ranks(World world) {
        return ranks;
    }

    @Override
    public MemoryBox allocate(long byteLength) {
        return collective.allocate("gradients", byteLength);
    }

    @Override
    public void start(TrainableModel model, int source) {
        give(model.state(), source);
    }

    @Override
    public void give(List<Region> memory, int source) {
        for (Region part : memory) {
            collective.broadcast(part, source, 0, NO_BUCKET);
        }
    }

    /**
     * An all-gather of small records, as a sum: where one rank writes, all others have zeros. Sums with zero are exact,
     * so every rank reads what each has written, be it an integer up to 2^53 or a loss, finite or not.
     */
    @Override
    public StepSummary summarise(StepReport own, long step) {
        reports.clear();
        write(own, (long) rows.get(0) * REPORT_BYTES);
        return gather(step);
    }

    @Override
    public StepSummary summarise(List<StepReport> ofSeats, long step) {
        reports.clear();
        for (int seat = 0; seat < rows.size(); seat++) {
            write(ofSeats.get(seat), (long) rows.get(seat) * REPORT_BYTES);
        }
        return gather(step);
    }

    private StepSummary gather(long step) {
        collective.allReduce(reports, ElementType.FLOAT64, ReduceOp.SUM, step, NO_BUCKET);
        List<StepReport> all = new ArrayList<>(ranks.size());
        for (int row = 0; row < ranks.size(); row++) {
            all.add(read((long) row * REPORT_BYTES));
        }
        return new StepSummary(all);
    }

    private void write(StepReport report, long at) {
        reports.putDouble(at, (double) report.examples());
        reports.putDouble(at + 8, report.score());
        reports.putDouble(at + 16, answers(report));
        reports.putDouble(at + 24, (double) report.dataFingerprint());
        reports.putDouble(at + 32, (double) report.replicaFingerprint());
    }

    private static int answers(StepReport report) {
        return (report.stop() ? STOP : 0)
                + (report.unfinished() ? UNFINISHED : 0)
                + (report.overflow() ? OVERFLOW : 0)
                + (report.regroup() ? REGROUP : 0);
    }

    private StepReport read(long at) {
        int answers = (int) reports.getDouble(at + 16);
        return new StepReport(
                (long) reports.getDouble(at),
                reports.getDouble(at + 8),
                (answers & STOP) != 0,
                (answers & UNFINISHED) != 0,
                (answers & REGROUP) != 0,
                (answers & OVERFLOW) != 0,
                (long) reports.getDouble(at + 24),
                (long) reports.getDouble(at + 32));
    }

    @Override
    public void reduce(TrainableModel model, Bucket bucket, long step) {
        collective.allReduce(part(model, bucket), model.elementType(), ReduceOp.SUM, step, bucket.index());
    }

    /** The memory of a bucket: the same object in every step, as long as the gradients do not move. */
    @SuppressWarnings("ReferenceEquality") // Gradients that have moved are another region.
    private Region part(TrainableModel model, Bucket bucket) {
        Region gradients = model.gradients();
        if (gradients != cut) {
            parts = cut(gradients, model);
            cut = gradients;
        }
        return parts.get(bucket.index());
    }

    /** Gradients of a model by bucket. */
    static List<Region> cut(Region gradients, TrainableModel model) {
        int bytes = model.elementType().bytes();
        return model.bucketPlan().buckets().stream()
                .map(each -> gradients.slice(each.offset() * bytes, each.length() * bytes))
                .toList();
    }
}
