package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.training.ParameterStore;

/** The parameters, as the lead of a group sees them in one generation: groups wait for each other by their stages. */
final class LeadStore implements ParameterStore {

    private final GroupLead lead;
    private final ParameterClient client;

    /** Whether the group has a state, and so knows its step. */
    private final boolean hasState;

    LeadStore(GroupLead lead, ParameterClient client, boolean hasState) {
        this.lead = lead;
        this.client = client;
        this.hasState = hasState;
    }

    @Override
    public void start(Region parameters) {
        lead.start(parameters);
    }

    /** A group that was lost as a whole continues at the step of the slowest other, as a restarted worker does. */
    @Override
    public long resume(long step) {
        // What the generation before has begun.
        client.pause();
        long begin = hasState || !lead.isSuccessor() ? step : client.stepOfTheSlowest(step);
        client.resumeAlone(begin);
        lead.meetAtBegin();
        return begin;
    }

    @Override
    public boolean mayPullAhead() {
        return client.mayPullAhead();
    }

    @Override
    public void beginPull(long step) {
        client.beginPull(step);
    }

    @Override
    public void awaitPull(Region parameters) {
        client.awaitPull(parameters);
    }

    @Override
    public void push(Region gradient, long step, long examples, int epoch) {
        client.push(gradient, step, examples, epoch);
    }

    @Override
    public void awaitPush() {
        client.awaitPush();
    }

    /** No group pushes anything from here to the beginning of its next call, where all wait for this one. */
    @Override
    public void finish(Region parameters) {
        client.pause();
        lead.meetAtEnd();
        client.finishAlone(parameters);
    }

    @Override
    public long lastStaleness() {
        return client.lastStaleness();
    }

    @Override
    public long maxStaleness() {
        return client.maxStaleness();
    }
}
