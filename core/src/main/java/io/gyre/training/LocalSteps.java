package io.gyre.training;

import io.gyre.World;
import io.gyre.network.Collective;
import io.gyre.session.Groups;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Local steps: ranks update their own replicas by their own gradients, and synchronise every few steps. Between two
 * synchronisations they send each other only their reports on each step. No servers are needed.
 *
 * <dl>
 *   <dt>{@link #postLocal Post-local SGD}
 *   <dd>The first steps are synchronous. Then ranks take local steps, and every {@code H} of them replace their
 *       parameters by the mean. Lin, Stich, Patel, Jaggi: "Don't use large mini-batches, use local SGD", ICLR 2020.
 *   <dt>{@link #diloco DiLoCo}
 *   <dd>The mean of how far the ranks have moved in {@code H} steps is the gradient of an outer update with Nesterov
 *       momentum; the model's own updater takes the inner steps. Douillard et al.: "DiLoCo: distributed
 *       low-communication training of language models", 2023. With several fragments, each step carries at most one:
 *       Douillard et al.: "Streaming DiLoCo with overlapping communication", 2025.
 *   <dt>{@link #inGroups Groups}
 *   <dd>The ranks of a group add up their gradients in every step, and are one rank to the other groups.
 * </dl>
 *
 * <p>In the mean, a rank counts by its examples since the last synchronisation: a rank without data takes over what the
 * others have found. With a period of 1, rate 1, no momentum, and plain gradient descent in the model, this is {@link
 * Synchronous} within rounding.
 *
 * <dl>
 *   <dt>Equal
 *   <dd>Parameters are bit-identical on all ranks after a synchronisation of all fragments, and at the end of every
 *       sequence of steps, which is one. Updater states are each rank's, or group's, own: {@link LocalState} says what a checkpoint
 *       holds of them.
 *   <dt>In step
 *   <dd>All ranks take each step together, also without examples: they end an epoch, stop and fail together, and the
 *       result depends on seed, data and number of ranks only.
 *   <dt>Failure
 *   <dd>As for {@link Synchronous}: a lost or silent rank ends the next wait of every other, with its name.
 * </dl>
 */
public final class LocalSteps extends ComposedStrategy {

    private LocalSteps(
            String name, String description, Collective all, GradientReduction group, LocalSettings settings) {
        super(
                name,
                description,
                new LocalReduction(
                        new AllReduction(
                                all,
                                IntStream.range(0, all.world().size()).boxed().toList()),
                        group,
                        settings),
                new LocalExchange(all, settings));
    }

    /**
     * Ranks each of which takes local steps alone.
     *
     * @param all collective of all ranks, with the same algorithm on all of them; borrowed
     */
    public static LocalSteps of(LocalSettings settings, Collective all) {
        return new LocalSteps(settings.name(), settings.description(), all, new NoReduction(), settings);
    }

    /**
     * Post-local SGD.
     *
     * @param all as for {@link #of}
     * @param localAfter number of synchronous steps before the first local one
     * @param period steps from one mean to the next
     */
    public static LocalSteps postLocal(Collective all, long localAfter, int period) {
        return of(LocalSettings.postLocal(localAfter, period), all);
    }

    /**
     * DiLoCo, with the outer rate and momentum of its authors.
     *
     * @param all as for {@link #of}
     * @param period steps from one synchronisation to the next
     */
    public static LocalSteps diloco(Collective all, int period) {
        return of(LocalSettings.diloco(period, 1, LocalSettings.DILOCO_RATE, LocalSettings.DILOCO_MOMENTUM), all);
    }

    /**
     * Groups of ranks that take local steps.
     *
     * @param all as for {@link #of}
     * @param group collective of this rank's group; borrowed
     * @param groups in which the ranks of {@code all} are divided; with one group use {@link Synchronous}
     */
    public static LocalSteps inGroups(LocalSettings settings, Collective all, Collective group, Groups groups) {
        World world = all.world();
        List<Integer> ranks = groups.of(world.rank());
        if (groups.ranks() != world.size()
                || group.world().size() != ranks.size()
                || group.world().rank() != ranks.indexOf(world.rank())) {
            throw new IllegalArgumentException("rank " + world.rank() + " of " + world.size() + ", in the groups "
                    + groups + ", was given a collective for rank "
                    + group.world().rank() + " of " + group.world().size());
        }
        return new LocalSteps(
                "hybrid",
                "hybrid, groups " + groups + ", " + settings.description(),
                all,
                ranks.size() == 1 ? new NoReduction() : new AllReduction(group, ranks),
                settings);
    }
}
