package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.OptionRange;
import io.gyre.paramserver.StrategyOptions.Kind;
import io.gyre.session.Session;
import io.gyre.training.ElasticAveraging;
import io.gyre.training.GenerationStrategy;
import io.gyre.training.Hybrid;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hybrid training in which each group is a run with seats: a lost process's ranks pass to others, and the group goes
 * on. The groups and the servers are an outer run, in which a group is one worker: the process that holds the group's
 * first rank, its <em>lead</em>, takes that place and keeps it over the generations of its group. A new lead takes the
 * place of a lost one as a restarted worker does.
 *
 * <p>After a loss the state of the furthest process is given to all others, and the step under way is repeated. What
 * its lead had sent of that step may have reached the servers: it may count once more, or not at all.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains.
 *   <dt>Failure
 *   <dd>As for {@link ParameterService}. If a server is lost that has no backup, the leads fail.
 *   <dt>Closing
 *   <dd>{@link #leave} at the end of the work; {@link #close} alone gives the place to another process.
 * </dl>
 */
public final class SeatedGroups implements GenerationStrategy, AutoCloseable {

    /** How long the place of a lead may be empty before its group counts as lost: as for seats. */
    private static final Duration PATIENCE = Duration.ofSeconds(75);

    /** How long a new lead waits until the place of the one before it is free. */
    private static final Duration TO_BE_FREE = Duration.ofSeconds(30);

    private static final long RETRY_NANOS = 100_000_000;

    private static final Logger LOG = LoggerFactory.getLogger(SeatedGroups.class);

    private final StrategyOptions options;
    private final Function<Consistency, Training> training;
    private final ElementType type;
    private final long elements;
    private final int group;
    private final Supplier<? extends Session> join;
    private @Nullable GroupLead lead;

    /**
     * Prepares the part of one process; nothing is joined yet.
     *
     * @param options of {@link Kind#HYBRID}, with servers of their own, a number of groups, and without local steps
     * @param training how servers train with a consistency; called only if they do
     * @param type of the parameters
     * @param elements number of parameters
     * @param group this process's group, from 0
     * @param join joins the outer run as the rank of this group; called by a lead, again if its place is not free yet
     */
    public SeatedGroups(
            StrategyOptions options,
            Function<Consistency, Training> training,
            ElementType type,
            long elements,
            int group,
            Supplier<? extends Session> join) {
        String obstacle = obstacle(options);
        if (!obstacle.isEmpty()) {
            throw new IllegalArgumentException(obstacle);
        }
        OptionRange.check("group", group, 0, options.groups() - 1L);
        this.options = options;
        this.training = training;
        this.type = type;
        this.elements = elements;
        this.group = group;
        this.join = join;
    }

    /** Why the groups of a strategy cannot go on when they lose a rank; empty if they can. */
    public static String obstacle(StrategyOptions options) {
        if (options.kind() != Kind.HYBRID || options.hasLocalSteps()) {
            return "--strategy " + options.kind() + (options.hasLocalSteps() ? " with local steps" : "")
                    + " has no groups that exchange with servers";
        }
        if (options.servers() == 0) {
            return "--strategy hybrid without --servers K: a rank that holds a part of the parameters is lost with it";
        }
        if (options.groups() < 2) {
            return "--strategy hybrid without --groups G, of 2 or more: ranks that change their processes, and hosts,"
                    + " make no groups by themselves";
        }
        if (options.isBulkSynchronous()) {
            return "--staleness bsp: servers cannot wait for the step of a lead that is lost; use a number of steps or"
                    + " asp";
        }
        return "";
    }

    @Override
    public UpdateStrategy begin(Synchronous inGroup, Session session, boolean hasState, IntSupplier calls) {
        boolean leads = session.world().isRoot();
        if (!leads) {
            giveUp("another process leads its group now");
        } else if (lead != null && !lead.hasPlace()) {
            giveUp("it was given up");
        }
        GroupLead own = leads ? lead(session) : null;
        if (own != null) {
            own.begin(hasState, () -> session.check("an exchange with other groups"), calls);
        }
        String groups = group + " of " + options.groups();
        if (options.serversTrain()) {
            String description =
                    training.apply(options.consistency()).inWords() + " on " + options.servers() + " servers";
            return Hybrid.parameterServer(
                    groups, inGroup, own == null ? null : own.store(hasState), description, hasState);
        }
        Double rate = options.movingRate();
        return Hybrid.elastic(
                groups,
                inGroup,
                own == null ? null : own.centre(),
                rate == null ? ElasticAveraging.defaultMovingRate(options.groups()) : rate,
                options.period(),
                hasState);
    }

    @Override
    public void end() {
        if (lead != null) {
            lead.settle();
        }
    }

    private GroupLead lead(Session ofGroup) {
        GroupLead known = lead;
        if (known == null) {
            known = open(awaitPlace(ofGroup));
            lead = known;
            LOG.info("This process leads group {}{}", group, known.isSuccessor() ? ", after another" : "");
        }
        return known;
    }

    /** The coordinator of the outer run may find out later than that of the group that the lead before was lost. */
    private Session awaitPlace(Session ofGroup) {
        long deadline = System.nanoTime() + TO_BE_FREE.toNanos();
        while (true) {
            try {
                return join.get();
            } catch (GyreException e) {
                if (System.nanoTime() - deadline >= 0 || Thread.currentThread().isInterrupted()) {
                    throw new GyreException(
                            "group " + group + " has waited " + TO_BE_FREE.toSeconds()
                                    + " s for its place among the groups and servers: " + e.getMessage(),
                            e);
                }
                LOG.info("Group {} waits for its place among the groups and servers: {}", group, e.getMessage());
            }
            ofGroup.check("waiting for the group's place among the groups and servers");
            LockSupport.parkNanos(this, RETRY_NANOS);
        }
    }

    private GroupLead open(Session session) {
        ParameterService service = null;
        try {
            service = options.configure(ParameterService.builder(session), training)
                    .start();
            return new GroupLead(session, service, options.serversTrain(), type, elements, PATIENCE);
        } catch (RuntimeException | Error e) {
            session.fail("it could not open the parameters of its group: " + e.getMessage());
            if (service != null) {
                service.abandon();
            }
            session.close();
            throw e;
        }
    }

    private void giveUp(String reason) {
        GroupLead own = lead;
        lead = null;
        if (own != null) {
            own.giveUp(reason);
        }
    }

    /** This process's group, from 0. */
    public int group() {
        return group;
    }

    /**
     * Whether this process speaks for all groups at the end: it leads the first that is not lost. Of a process that has
     * led its group in the last call of {@code fit}.
     */
    public boolean isFirst() {
        GroupLead own = lead;
        return own != null
                && group
                        == own.lostGroups().stream()
                                .filter(lost -> lost < group)
                                .count();
    }

    /** The groups that count as lost, ascending, as this process knows it; empty if it does not lead its group. */
    public List<Integer> lostGroups() {
        return lead == null ? List.of() : lead.lostGroups();
    }

    /** Servers that were lost, numbered from 0, also if they have come back; empty if this process leads no group. */
    public List<Integer> lostServers() {
        return lead == null ? List.of() : lead.lostServers();
    }

    /** Greatest staleness of any push in steps, over all groups; 0 if this process leads no group. */
    public long maxStaleness() {
        return lead == null ? 0 : lead.maxStaleness();
    }

    /** Leaves the outer run in good order, once all other groups have done their work. */
    public void leave() {
        GroupLead own = lead;
        if (own != null) {
            own.leave();
            lead = null;
        }
    }

    /** Gives up this process's place in the outer run, unless it has left. A second call does nothing. */
    @Override
    public void close() {
        giveUp("it has ended before its group had done its work");
    }
}
