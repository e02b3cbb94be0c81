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
    private final Region staleness = Region.allocate("staleness", Double.BYTES);

    /**
     * Creates one rank's view.
     *
     * @param ofLead borrowed; null on all ranks but the lead
     */
    GroupStore(LeadBroadcast broadcast, @Nullable ParameterStore ofLead) {
        this.broadcast = broadcast;
        this.ofLead = ofLead;
    }

    @Override
    public void start(Region parameters) {
        if (ofLead != null) {
            ofLead.start(parameters);
        }
        broadcast.run(parameters);
    }

    @Override
    public long resume(long step) {
        // Only a worker that is a group by itself can be restarted and so continue later.
        return ofLead == null ? step : ofLead.resume(step);
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
