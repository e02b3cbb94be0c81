package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.training.SharedVector;

/** The centre, as the lead of a group sees it in one generation: groups wait for each other by their stages. */
final class LeadCentre implements SharedVector {

    private final GroupLead lead;
    private final CentreVariable centre;

    LeadCentre(GroupLead lead, CentreVariable centre) {
        this.lead = lead;
        this.centre = centre;
    }

    /** The group begins with what the centre is. */
    @Override
    public void start(Region values) {
        lead.start(values);
    }

    @Override
    public void resume() {
        lead.meetAtBegin();
    }

    @Override
    public void read(Region into) {
        centre.read(into);
    }

    @Override
    public void beginRead(Region into) {
        centre.beginRead(into);
    }

    @Override
    public void awaitRead() {
        centre.awaitRead();
    }

    @Override
    public void beginAccumulate(Region delta) {
        centre.beginAccumulate(delta);
    }

    @Override
    public void awaitAccumulate() {
        centre.awaitAccumulate();
    }

    /** No group adds anything from here to the beginning of its next call, where all wait for this one. */
    @Override
    public void finish(Region into) {
        lead.meetAtEnd();
        centre.read(into);
    }
}
