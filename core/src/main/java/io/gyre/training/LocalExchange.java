package io.gyre.training;

import io.gyre.ReduceOp;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.util.Arrays;
import java.util.List;

/**
 * Ranks update their own replicas, and synchronise their parameters fragment by fragment. Whatever is done with the
 * parameters, {@link FragmentSync} does; this says when, and with which weights: a rank counts by the examples that it
 * has taken since the last time.
 *
 * <p>All ranks take each step together, even those without examples, so that all synchronise after the same steps.
 */
final class LocalExchange implements ParameterExchange, LocalState {

    /** Bucket number of frames that carry no gradients. */
    private static final int NO_BUCKET = -1;

    private static final int NONE = -1;

    private final Collective all;
    private final LocalSettings settings;
    private final FragmentSync sync;
    private final long[] ownExamples;
    private final long[] allExamples;
    private long lastStep;

    /** The fragment of which this rank's part of the sum is ready; {@link #NONE} if there is none. */
    private int begun = NONE;

    /** Whether that part has become the sum. */
    private boolean summed;

    /** Whether the next sequence of steps is one that was restored. */
    private boolean restored;

    /**
     * Creates the exchange of one rank.
     *
     * @param all collective of all ranks; borrowed
     */
    LocalExchange(Collective all, LocalSettings settings) {
        this.all = all;
        this.settings = settings;
        sync = settings.isMean() && settings.delay() == 0 ? new ParameterMean() : new OuterUpdate(all, settings);
        ownExamples = new long[settings.fragments()];
        allExamples = new long[settings.fragments()];
    }

    @Override
    public LocalState localState() {
        return this;
    }

    @Override
    public void start(TrainableModel model) {
        long bytes = model.bucketPlan().elements() * model.elementType().bytes();
        if (model.parameters().byteLength() != bytes) {
            throw new IllegalArgumentException("local steps average parameters of " + model.elementType() + ", and "
                    + bytes + " bytes of those would be " + model.parameters().byteLength()
                    + " here: train in FLOAT or DOUBLE");
        }
        sync.start(model);
    }

    @Override
    public long resume(TrainableModel model, long step) {
        if (!restored) {
            sync.begin(model);
        }
        restored = false;
        return step;
    }

    @Override
    public boolean exchangesDuringPass() {
        return settings.delay() > 0;
    }

    @Override
    public void during(TrainableModel model, long step) {
        sum(model, step);
    }

    @Override
    public void after(TrainableModel model, StepSummary total, long step) {
        lastStep = step;
        end(model, step);
        if (!settings.isLocal(step)) {
            if (settings.isLocal(step + 1)) {
                sync.begin(model);
            }
            return;
        }
        for (int fragment = 0; fragment < settings.fragments(); fragment++) {
            ownExamples[fragment] += total.reports().get(all.world().rank()).examples();
            allExamples[fragment] += total.examples();
        }
        for (int fragment = 0; fragment < settings.fragments(); fragment++) {
            if (settings.isDue(fragment, step)) {
                begin(model, fragment);
            }
        }
        if (settings.delay() == 0) {
            end(model, step);
        }
    }

    private void begin(TrainableModel model, int fragment) {
        begun = fragment;
        sync.prepare(model, span(model), (double) ownExamples[fragment] / allExamples[fragment]);
        summed = false;
        ownExamples[fragment] = 0;
        allExamples[fragment] = 0;
    }

    /** Of the fragment that has begun. */
    private Span span(TrainableModel model) {
        return settings.fragment(begun, model.bucketPlan().elements());
    }

    private void sum(TrainableModel model, long step) {
        if (begun != NONE && !summed) {
            if (all.world().size() > 1) {
                all.allReduce(sync.part(model, span(model)), model.elementType(), ReduceOp.SUM, step, NO_BUCKET);
            }
            summed = true;
        }
    }

    private void end(TrainableModel model, long step) {
        if (begun != NONE) {
            sum(model, step);
            sync.apply(model, span(model));
            begun = NONE;
        }
    }

    @Override
    public void finish(TrainableModel model) {
        end(model, lastStep);
        for (int fragment = 0; fragment < settings.fragments(); fragment++) {
            if (allExamples[fragment] > 0) {
                begin(model, fragment);
                end(model, lastStep);
            }
        }
    }

    @Override
    public String settings() {
        return settings.description();
    }

    @Override
    public boolean replicasDiffer(long steps) {
        return steps > 0 && settings.isLocal(steps - 1);
    }

    @Override
    public List<Region> common() {
        return sync.common();
    }

    @Override
    public List<Region> own() {
        return sync.own();
    }

    /** The fragment begun, whether it is summed, and for each fragment own and all examples. */
    @Override
    public String counts() {
        StringBuilder text = new StringBuilder().append(begun).append(' ').append(summed ? 1 : 0);
        for (int fragment = 0; fragment < settings.fragments(); fragment++) {
            text.append(' ').append(ownExamples[fragment]).append(' ').append(allExamples[fragment]);
        }
        return text.toString();
    }

    @Override
    public void restore(String counts, long steps) {
        lastStep = steps - 1;
        restored = true;
        if (counts.isEmpty()) {
            // So that the next synchronisation makes the replicas equal, though no step may come before it.
            Arrays.fill(ownExamples, 1);
            Arrays.fill(allExamples, all.world().size());
        } else {
            restore(counts);
        }
    }

    private void restore(String counts) {
        long[] numbers;
        try {
            numbers =
                    Arrays.stream(counts.split(" ")).mapToLong(Long::parseLong).toArray();
        } catch (NumberFormatException e) {
            throw notCounts(counts);
        }
        if (numbers.length != 2 + 2 * settings.fragments()
                || numbers[0] < NONE
                || numbers[0] >= settings.fragments()
                || (numbers[1] != 0 && numbers[1] != 1)) {
            throw notCounts(counts);
        }
        begun = (int) numbers[0];
        summed = numbers[1] == 1;
        for (int fragment = 0; fragment < settings.fragments(); fragment++) {
            ownExamples[fragment] = numbers[2 + 2 * fragment];
            allExamples[fragment] = numbers[3 + 2 * fragment];
            if (ownExamples[fragment] < 0 || ownExamples[fragment] > allExamples[fragment]) {
                throw notCounts(counts);
            }
        }
    }

    private static IllegalArgumentException notCounts(String counts) {
        return new IllegalArgumentException("not the counts of local steps with these settings: '" + counts + "'");
    }
}
