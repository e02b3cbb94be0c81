package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.List;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A group's place among the groups and servers, as long as this process is its lead: the session, and what was opened
 * on the servers. It lasts over generations of the group.
 */
final class GroupLead {

    private static final String NAME = "parameters";
    private static final String CENTRE = "centre";

    private final Session session;
    private final ParameterService service;
    private final GroupStages stages;
    private final @Nullable CentreVariable centre;
    private final @Nullable ParameterClient client;
    private final long byteLength;
    private boolean started;

    /** Of the present generation. */
    private Runnable check = () -> {};

    private IntSupplier calls = () -> 0;

    /**
     * Opens what the groups have on the servers. All leads call it together; the successor of a lost one makes the
     * same calls again.
     *
     * @param session one rank for each group, and then the servers; owned
     * @param service of this session, without groups; owned
     * @param serversTrain whether they hold parameters, or a centre
     */
    GroupLead(
            Session session,
            ParameterService service,
            boolean serversTrain,
            ElementType type,
            long elements,
            Duration patience) {
        this.session = session;
        this.service = service;
        byteLength = elements * type.bytes();
        stages = new GroupStages(
                service.workers(), service.numberOfEachLead("stage of group"), patience, System::nanoTime);
        centre = serversTrain ? null : service.centre(CENTRE, type, elements);
        client = serversTrain ? service.parameters(NAME, type, elements) : null;
    }

    /**
     * A generation of the group begins.
     *
     * @param hasState whether the group goes on with a state of its own
     * @param ofGeneration fails if the generation has ended
     * @param callsMade number of calls that the program has made
     */
    void begin(boolean hasState, Runnable ofGeneration, IntSupplier callsMade) {
        check = ofGeneration;
        calls = callsMade;
        service.checkInWaits(ofGeneration);
        if (hasState && !started) {
            // The replica stays as it is; others have to hear that this process may be lost, too.
            start(Region.allocate("parameters that are not used", byteLength));
        }
    }

    /** Gives the group the parameters of the servers; at the beginning of the run these are those of group 0. */
    void start(Region values) {
        if (centre != null) {
            if (started) {
                centre.read(values);
            } else {
                centre.start(values);
            }
        } else if (client != null) {
            if (started) {
                client.read(values);
            } else {
                client.start(values);
                // Before any takes a step, all may be lost.
                service.meet("departure of " + NAME);
            }
        }
        started = true;
    }

    /** Memory of the generation is about to be freed: what the servers send into it must have come. */
    void settle() {
        if (centre != null) {
            centre.settle();
        }
    }

    /** The centre, in a run that has one. */
    LeadCentre centre() {
        if (centre == null) {
            throw new IllegalStateException("the servers train, and have no centre");
        }
        return new LeadCentre(this, centre);
    }

    /** The parameters, in a run whose servers train. */
    LeadStore store(boolean hasState) {
        if (client == null) {
            throw new IllegalStateException("the servers have a centre, and do not train");
        }
        return new LeadStore(this, client, hasState);
    }

    /** Whether the group had another lead before. */
    boolean isSuccessor() {
        return service.isRestarted();
    }

    void meetAtBegin() {
        stages.meet(GroupStages.beginOf(calls.getAsInt()), "the beginning of a call of fit", check);
    }

    void meetAtEnd() {
        stages.meet(GroupStages.endOf(calls.getAsInt()), "the end of a call of fit", check);
    }

    /** Groups that count as lost, ascending. */
    List<Integer> lostGroups() {
        return stages.lost();
    }

    /** Ranks of servers that were lost, numbered from 0 among the servers. */
    List<Integer> lostServers() {
        int groups = service.workers().world().size();
        return service.lostServers().stream().map(rank -> rank - groups).toList();
    }

    /** Greatest staleness of any push. */
    long maxStaleness() {
        return client == null ? 0 : client.maxStaleness();
    }

    /** The group has done its work: waits for the others, which may need a place that is not empty, and leaves. */
    void leave() {
        stages.meet(GroupStages.left(), "the end of the run", () -> {});
        service.close();
        session.close();
    }

    /** Whether this process has its place still: after a pause it may have been given up, and the place with it. */
    boolean hasPlace() {
        return session.isWhole(List.of(session.world().rank()));
    }

    /** Gives the place up, to another process if there is one. */
    void giveUp(String reason) {
        session.fail(reason);
        service.abandon();
        session.close();
    }
}
