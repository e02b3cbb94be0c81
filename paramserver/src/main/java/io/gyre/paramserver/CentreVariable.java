package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.Region;
import io.gyre.SharedVector;

/** The centre of elastic averaging, in a {@link SoftMemoryBox}. */
public final class CentreVariable implements SharedVector {

    private static final byte[] NOTHING = {};

    private final ParameterService service;
    private final SoftMemoryBox box;

    CentreVariable(ParameterService service, String name, ElementType type, long elements) {
        this.service = service;
        if (service.workers().world().isRoot()) {
            box = service.create(name, type, elements);
            meet("creation");
        } else {
            meet("creation");
            box = service.attach(name, type, elements);
        }
    }

    private void meet(String occasion) {
        service.workers().exchange(occasion + " of the centre", NOTHING);
    }

    @Override
    public void start(Region values) {
        if (service.workers().world().isRoot()) {
            box.write(values);
        }
        meet("start");
        box.read(values);
        service.letWorkersGo();
        meet("departure");
    }

    @Override
    public void read(Region into) {
        box.read(into);
    }

    @Override
    public void beginAccumulate(Region delta) {
        box.beginAccumulate(delta);
    }

    @Override
    public void awaitAccumulate() {
        box.awaitAccumulate();
    }

    @Override
    public void finish(Region into) {
        meet("end");
        box.read(into);
        meet("farewell");
    }
}
