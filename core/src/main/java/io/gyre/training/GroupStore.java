package io.gyre.training;

import io.gyre.memory.Region;
import org.jspecify.annotations.Nullable;

/**
 * Parameters on servers as a group sees them: its lead pushes and pulls for all, and broadcasts in the group what it
 * has pulled.
 */
final class GroupStore implements ParameterStore {

    private final LeadBroadcast broadcast;
    private final @Nullable ParameterStore ofLead;
    private final Start start;
    private final Region staleness = Region.allocate("staleness", Double.BYTES);

    /** What the ranks of a group know of its beginning. */
    enum Start {
        /** It is the only one. */
        ONCE,
        /** The group may have been lost as a whole before: the lead then knows where it begins. */
        PERHAPS_AGAIN,
        /** The group goes on with parameters that it has, and takes none at the start. */
        CONTINUES
    }

    /**
     * Creates one rank's view.
     *
     * @param ofLead borrowed; null on all ranks but the lead
     * @param start the same on all ranks
     */
    GroupStore(LeadBroadcast broadcast, @Nullable ParameterStore ofLead, Start start) {
        this.broadcast = broadcast;
        this.ofLead = ofLead;
        this.start = start;
    }

    @Override
    public void start(Region parameters) {
        if (start == Start.CONTINUES) {
            return;
        }
        if (ofLead != null) {
            ofLead.start(parameters);
        }
        broadcast.run(parameters);
    }

    @Override
    public long resume(long step) {
        long begin = ofLead == null ? step : ofLead.resume(step);
        if (start != Start.PERHAPS_AGAIN) {
            // Only a worker that is a group by itself, or one that begins again, continues later.
            return begin;
        }
        Region ofGroup = Region.allocate("step of the group", Double.BYTES);
        ofGroup.putDouble(0, (double) begin);
        broadcast.run(ofGroup);
        return (long) ofGroup.getDouble(0);
    }

    /** The lead's value only: the other ranks make no requests. */
    @Override
    public boolean mayPullAhead() {
        return ofLead != null && ofLead.mayPullAhead();
    }

    @Override
    public void beginPull(long step) {
        if (ofLead != null) {
            ofLead.beginPull(step);
        }
    }

    @Override
    public void awaitPull(Region parameters) {
        if (ofLead != null) {
            ofLead.awaitPull(parameters);
        }
        broadcast.run(parameters);
    }

    @Override
    public void push(Region gradient, long step, long examples, int epoch) {
        if (ofLead != null) {
            ofLead.push(gradient, step, examples, epoch);
        }
    }

    @Override
    public void awaitPush() {
        if (ofLead != null) {
            ofLead.awaitPush();
        }
    }

    @Override
    public void finish(Region parameters) {
        if (ofLead != null) {
            ofLead.finish(parameters);
            staleness.putDouble(0, (double) ofLead.maxStaleness());
        }
        broadcast.run(parameters);
        broadcast.run(staleness);
    }

    /** The lead's value only, as of its push for the group. */
    @Override
    public long lastStaleness() {
        return ofLead == null ? -1 : ofLead.lastStaleness();
    }

    @Override
    public long maxStaleness() {
        return (long) staleness.getDouble(0);
    }

    @Override
    public @Nullable ServerState serverState() {
        return ofLead == null ? ServerState.OF_MEMBER : ofLead.serverState();
    }
}
