package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.training.ServerState;
import io.gyre.training.SharedVector;

/** The centre of elastic averaging, in a {@link SoftMemoryBox}. */
public final class CentreVariable implements SharedVector {

    private final ParameterService service;
    private final SoftMemoryBox box;
    private final CentreState state;

    CentreVariable(ParameterService service, SoftMemoryBox box) {
        this.service = service;
        this.box = box;
        state = new CentreState(service, box);
    }

    @Override
    public void start(Region values) {
        if (service.trainers().world().isRoot() && !service.isRestarted()) {
            box.write(values);
        }
        service.meet("start of the centre");
        box.read(values);
        service.outliveThis();
        service.meet("departure of the centre");
    }

    @Override
    public void read(Region into) {
        box.read(into);
    }

    @Override
    public void beginRead(Region into) {
        box.beginRead(into);
    }

    @Override
    public void awaitRead() {
        box.awaitRead();
    }

    @Override
    public void beginAccumulate(Region delta) {
        box.beginAccumulate(delta);
    }

    @Override
    public void awaitAccumulate() {
        box.awaitAccumulate();
    }

    /** Waits for everything that this rank has begun. */
    void settle() {
        box.awaitRead();
        box.awaitAccumulate();
    }

    @Override
    public void finish(Region into) {
        service.meet("end of the centre");
        box.read(into);
        service.meet("farewell of the centre");
    }

    @Override
    public ServerState serverState() {
        return state;
    }
}
