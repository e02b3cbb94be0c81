package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.training.ServerState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The centre of elastic averaging, and the way of the replicas to the root: each lead has boxes of its own on the
 * servers, one for each part of its replica, which take as much memory there as the replica does at the lead.
 */
final class CentreState implements ServerState {

    private final ParameterService service;
    private final SoftMemoryBox centre;
    private final Map<Integer, List<SoftMemoryBox>> boxes = new HashMap<>();

    CentreState(ParameterService service, SoftMemoryBox centre) {
        this.service = service;
        this.centre = centre;
    }

    private int own() {
        return service.trainers().world().rank();
    }

    @Override
    public void pause() {
        centre.awaitAccumulate();
    }

    @Override
    public int lead() {
        return own();
    }

    @Override
    public int leads() {
        return service.trainers().world().size();
    }

    @Override
    public int vectors() {
        return 1;
    }

    @Override
    public long read(int vector, Region into) {
        centre.read(into);
        return 0;
    }

    @Override
    public void write(int vector, Region from) {
        centre.write(from);
    }

    @Override
    public boolean replicasDiffer() {
        return true;
    }

    /** The root keeps its replica to itself, and attaches the boxes of all others. */
    @Override
    public void makeRoom(List<Region> state) {
        if (!service.trainers().world().isRoot()) {
            boxes.put(own(), boxes(own(), state, service::create));
        }
        service.meet("room for replicas");
        if (service.trainers().world().isRoot()) {
            for (int lead = 1; lead < service.trainers().world().size(); lead++) {
                boxes.put(lead, boxes(lead, state, service::attach));
            }
        }
    }

    /** {@link ParameterService#create} or {@link ParameterService#attach}. */
    @FunctionalInterface
    private interface Opening {
        SoftMemoryBox of(String name, ElementType type, long elements);
    }

    /** The type does not matter: replicas are copied as they are. */
    private static List<SoftMemoryBox> boxes(int lead, List<Region> state, Opening opening) {
        List<SoftMemoryBox> ofLead = new ArrayList<>();
        for (int part = 0; part < state.size(); part++) {
            ofLead.add(opening.of(
                    "part " + part + " of replica " + lead,
                    ElementType.FLOAT32,
                    state.get(part).byteLength() / Float.BYTES));
        }
        return ofLead;
    }

    private List<SoftMemoryBox> boxesOf(int lead) {
        List<SoftMemoryBox> known = boxes.get(lead);
        if (known == null) {
            throw new IllegalStateException("there is no room for replica " + lead);
        }
        return known;
    }

    private static void read(List<SoftMemoryBox> from, List<Region> into) {
        for (int part = 0; part < into.size(); part++) {
            from.get(part).read(into.get(part));
        }
    }

    private static void write(List<SoftMemoryBox> into, List<Region> from) {
        for (int part = 0; part < from.size(); part++) {
            into.get(part).write(from.get(part));
        }
    }

    @Override
    public void putOwn(List<Region> state) {
        write(boxesOf(own()), state);
    }

    @Override
    public void takeOwn(List<Region> state) {
        read(boxesOf(own()), state);
    }

    @Override
    public void take(int lead, List<Region> into) {
        read(boxesOf(lead), into);
    }

    @Override
    public void put(int lead, List<Region> from) {
        write(boxesOf(lead), from);
    }
}
