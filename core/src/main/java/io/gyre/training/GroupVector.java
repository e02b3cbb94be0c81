package io.gyre.training;

import io.gyre.memory.Region;
import org.jspecify.annotations.Nullable;

/**
 * A shared vector as a group sees it: its lead reads and adds for all, and broadcasts in the group what it has read.
 */
final class GroupVector implements SharedVector {

    private final LeadBroadcast broadcast;
    private final @Nullable SharedVector ofLead;
    private final boolean continues;
    private @Nullable Region reading;

    /**
     * Creates one rank's view.
     *
     * @param ofLead borrowed; null on all ranks but the lead
     * @param continues whether the group goes on with parameters that it has: then it takes none at the start
     */
    GroupVector(LeadBroadcast broadcast, @Nullable SharedVector ofLead, boolean continues) {
        this.broadcast = broadcast;
        this.ofLead = ofLead;
        this.continues = continues;
    }

    @Override
    public void start(Region values) {
        if (continues) {
            return;
        }
        if (ofLead != null) {
            ofLead.start(values);
        }
        broadcast.run(values);
    }

    @Override
    public void resume() {
        if (ofLead != null) {
            ofLead.resume();
        }
    }

    @Override
    public Region allocate(long byteLength) {
        return broadcast.allocate("centre", byteLength);
    }

    @Override
    public void read(Region into) {
        if (ofLead != null) {
            ofLead.read(into);
        }
        broadcast.run(into);
    }

    @Override
    public void beginRead(Region into) {
        if (ofLead != null) {
            ofLead.beginRead(into);
        }
        reading = into;
    }

    @Override
    public void awaitRead() {
        Region into = reading;
        if (into == null) {
            return;
        }
        reading = null;
        if (ofLead != null) {
            ofLead.awaitRead();
        }
        broadcast.run(into);
    }

    @Override
    public void beginAccumulate(Region delta) {
        if (ofLead != null) {
            ofLead.beginAccumulate(delta);
        }
    }

    @Override
    public void awaitAccumulate() {
        if (ofLead != null) {
            ofLead.awaitAccumulate();
        }
    }

    @Override
    public void finish(Region into) {
        if (ofLead != null) {
            ofLead.finish(into);
        }
        broadcast.run(into);
    }

    @Override
    public @Nullable ServerState serverState() {
        return ofLead == null ? ServerState.OF_MEMBER : ofLead.serverState();
    }
}
