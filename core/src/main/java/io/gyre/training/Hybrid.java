package io.gyre.training;

import io.gyre.World;
import io.gyre.network.Collective;
import io.gyre.session.Groups;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Synchronous inside groups of ranks, asynchronous between them: only the lead of each group exchanges with servers, so
 * that a host with several ranks sends and receives as much as if it were one.
 *
 * <p>In each step a group adds up its gradients, as {@link Synchronous} does. The lead fetches from the servers while
 * the group computes, and broadcasts between two steps, the same two on all ranks of the group: they stay
 * bit-identical.
 *
 * <dl>
 *   <dt>{@link #elastic Elastic averaging}
 *   <dd>Each group is pulled towards a common centre, as a rank is in {@link ElasticAveraging}. The centre is read
 *       while the step before the exchange computes, and so is up to one step old; it contains the group's own last
 *       pull.
 *   <dt>{@link #parameterServer Parameter server}
 *   <dd>The lead pushes the group's mean gradient and pulls parameters, as a rank does in {@link ParameterServer}.
 *   <dt>One rank in each group
 *   <dd>is the asynchronous strategy alone, with the centre read ahead.
 *   <dt>Failure
 *   <dd>A group that loses a rank, lead or not, cannot continue: all its ranks fail with the name of the lost one.
 *       Whether the other groups continue is up to the servers and the session. In a run with seats the group gets a
 *       new strategy in its next generation: {@link GenerationStrategy}.
 * </dl>
 *
 * <p>Ahn et al.: "ShmCaffe: a distributed deep learning platform with shared memory buffer for HPC architecture"
 * (hybrid SGD), ICDCS 2018.
 */
public final class Hybrid extends ComposedStrategy {

    private final Runnable started;

    private Hybrid(Groups groups, int rank, Collective collective, UpdateStrategy between, Runnable started) {
        super(
                "hybrid",
                "hybrid, groups " + groups + ", " + between.description(),
                new AllReduction(collective, groups.of(rank)),
                between.exchange());
        this.started = started;
    }

    private Hybrid(String groups, Synchronous inGroup, UpdateStrategy between) {
        super(
                "hybrid",
                "hybrid, groups " + groups + ", " + between.description(),
                inGroup.reduction(),
                between.exchange());
        started = () -> {};
    }

    /**
     * Groups that are pulled towards a common centre.
     *
     * @param rank this rank's number among those that are divided into groups
     * @param collective of this rank's group, in which the lead is rank 0; borrowed
     * @param centre the lead's; null on all other ranks. Borrowed
     * @param movingRate alpha, above 0 and below 1; for G groups {@code ElasticAveraging.defaultMovingRate(G)}
     * @param period steps from one exchange to the next, at least 1
     * @param started called once on each rank, when its group has started
     */
    public static Hybrid elastic(
            Groups groups,
            int rank,
            Collective collective,
            @Nullable SharedVector centre,
            double movingRate,
            int period,
            Runnable started) {
        check(groups, rank, collective, centre);
        return new Hybrid(
                groups,
                rank,
                collective,
                ElasticAveraging.readingAhead(
                        new GroupVector(new LeadBroadcast(collective), centre, false), movingRate, period),
                started);
    }

    /**
     * Groups that push gradients to servers and pull parameters.
     *
     * @param rank this rank's number among those that are divided into groups
     * @param collective of this rank's group, in which the lead is rank 0; borrowed
     * @param store the lead's; null on all other ranks. Borrowed
     * @param description settings of the store, the same on all ranks
     * @param started called once on each rank, when its group has started
     */
    public static Hybrid parameterServer(
            Groups groups,
            int rank,
            Collective collective,
            @Nullable ParameterStore store,
            String description,
            Runnable started) {
        check(groups, rank, collective, store);
        return new Hybrid(
                groups,
                rank,
                collective,
                new ParameterServer(
                        new GroupStore(new LeadBroadcast(collective), store, GroupStore.Start.ONCE), description),
                started);
    }

    /**
     * As {@link #elastic(Groups, int, Collective, SharedVector, double, int, Runnable)}, for one generation of a group
     * whose processes may change. A process that holds several ranks broadcasts once for all of them.
     *
     * @param groups how the ranks are divided, in words
     * @param inGroup reduces the gradients of this group
     * @param centre of the process that holds the group's first rank; null in all others. Borrowed
     * @param continues whether the group has a state, which the centre leaves as it is when the generation begins
     */
    public static Hybrid elastic(
            String groups,
            Synchronous inGroup,
            @Nullable SharedVector centre,
            double movingRate,
            int period,
            boolean continues) {
        check(inGroup, centre);
        SharedVector ofGroup = new GroupVector(new LeadBroadcast(inGroup.collective()), centre, continues);
        return new Hybrid(groups, inGroup, ElasticAveraging.readingAhead(ofGroup, movingRate, period));
    }

    /**
     * As {@link #parameterServer(Groups, int, Collective, ParameterStore, String, Runnable)}, for one generation of a
     * group whose processes may change.
     *
     * @param groups how the ranks are divided, in words
     * @param inGroup reduces the gradients of this group
     * @param store of the process that holds the group's first rank; null in all others. Borrowed
     * @param continues whether the group has a state, and does not take the store's when the generation begins
     */
    public static Hybrid parameterServer(
            String groups, Synchronous inGroup, @Nullable ParameterStore store, String description, boolean continues) {
        check(inGroup, store);
        GroupStore.Start start = continues ? GroupStore.Start.CONTINUES : GroupStore.Start.PERHAPS_AGAIN;
        ParameterStore ofGroup = new GroupStore(new LeadBroadcast(inGroup.collective()), store, start);
        return new Hybrid(groups, inGroup, new ParameterServer(ofGroup, description));
    }

    private static void check(Synchronous inGroup, @Nullable Object ofLead) {
        World processes = inGroup.collective().world();
        if (processes.isRoot() != (ofLead != null)) {
            throw new IllegalArgumentException("process " + processes.rank() + " of a group of " + processes.size()
                    + (ofLead == null ? " is its lead and was given nothing to exchange with" : " is not its lead"));
        }
    }

    private static void check(Groups groups, int rank, Collective collective, @Nullable Object ofLead) {
        List<Integer> group = groups.of(rank);
        World world = collective.world();
        if (world.size() != group.size() || world.rank() != group.indexOf(rank)) {
            throw new IllegalArgumentException("rank " + rank + " of group " + group
                    + " was given a collective for rank " + world.rank() + " of " + world.size());
        }
        if (groups.isLead(rank) != (ofLead != null)) {
            throw new IllegalArgumentException("rank " + rank + " of group " + group
                    + (ofLead == null ? " is its lead and was given nothing to exchange with" : " is not its lead"));
        }
    }

    @Override
    public void started() {
        started.run();
    }
}
