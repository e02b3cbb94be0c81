package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far each group has come in the calls that all groups make, so that they can wait for each other: one number for
 * each on the servers, written by its lead. A new lead writes the same numbers again, and misses nothing: unlike an
 * exchange, a wait here does not end while the place of a lead is empty, unless that lasts.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time.
 * </dl>
 */
final class GroupStages {

    private static final Logger LOG = LoggerFactory.getLogger(GroupStages.class);

    /** The stage of a group that has left. */
    private static final double LEFT = Double.MAX_VALUE;

    private static final long LEAST_PAUSE_NANOS = 200_000;
    private static final long MOST_PAUSE_NANOS = 10_000_000;
    private static final long NEVER = Long.MIN_VALUE;

    private final Session leads;
    private final List<SoftMemoryBox> stages;
    private final Duration patience;
    private final LongSupplier clock;
    private final Region number = Region.allocate("stage of a group", Double.BYTES);

    /** By group: since when its place has been empty. */
    private final long[] emptySince;

    private final boolean[] lost;

    /**
     * Begins to count.
     *
     * @param leads one rank for each group
     * @param stages a number on the servers for each group
     * @param patience how long the place of a lead may be empty before its group counts as lost
     * @param clock nanoseconds, from any origin
     */
    GroupStages(Session leads, List<SoftMemoryBox> stages, Duration patience, LongSupplier clock) {
        this.leads = leads;
        this.stages = List.copyOf(stages);
        this.patience = patience;
        this.clock = clock;
        emptySince = new long[stages.size()];
        Arrays.fill(emptySince, NEVER);
        lost = new boolean[stages.size()];
    }

    /** The stage at the beginning of a call of {@code fit}; of the first it is more than the 0 of a new number. */
    static double beginOf(int call) {
        return 2.0 * call + 1;
    }

    /** The stage at its end. */
    static double endOf(int call) {
        return beginOf(call) + 1;
    }

    /** The last one. */
    static double left() {
        return LEFT;
    }

    private int own() {
        return leads.world().rank();
    }

    /**
     * This group has come to a stage; returns when all others have, or are lost.
     *
     * @param check fails if this group cannot wait any longer
     */
    void meet(double stage, String occasion, Runnable check) {
        number.putDouble(0, stage);
        stages.get(own()).write(number);
        long pause = LEAST_PAUSE_NANOS;
        for (int group = 0; group < stages.size(); group++) {
            while (group != own() && !hasCome(group, stage, occasion)) {
                check.run();
                if (Thread.currentThread().isInterrupted()) {
                    throw new GyreException("group " + own() + " was interrupted at " + occasion
                            + ", where it waits for group " + group);
                }
                LockSupport.parkNanos(this, pause);
                pause = Math.min(MOST_PAUSE_NANOS, 2 * pause);
            }
        }
    }

    private boolean hasCome(int group, double stage, String occasion) {
        if (lost[group]) {
            return true;
        }
        stages.get(group).read(number);
        if (number.getDouble(0) >= stage) {
            emptySince[group] = NEVER;
            return true;
        }
        if (!leads.hasEnded(group)) {
            emptySince[group] = NEVER;
            return false;
        }
        long now = clock.getAsLong();
        if (emptySince[group] == NEVER) {
            emptySince[group] = now;
            LOG.info("Group {} waits at {} for group {}, which has no lead", own(), occasion, group);
        }
        lost[group] = now - emptySince[group] >= patience.toNanos();
        if (lost[group]) {
            LOG.warn(
                    "Group {} has had no lead for {} s, and counts as lost: group {} goes on without it",
                    group,
                    patience.toSeconds(),
                    own());
        }
        return lost[group];
    }

    /** The groups that count as lost, ascending. */
    List<Integer> lost() {
        List<Integer> groups = new ArrayList<>();
        for (int group = 0; group < lost.length; group++) {
            if (lost[group]) {
                groups.add(group);
            }
        }
        return groups;
    }
}
