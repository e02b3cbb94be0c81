package io.gyre.training;

import io.gyre.memory.Region;
import java.util.List;

/**
 * What servers hold of a training whose ranks take their steps alone, as one rank sees it: with it such a training has
 * a consistent cut, which can be saved and from which it continues.
 *
 * <p><b>The cut.</b> All ranks {@link #pause} between two of their steps, then meet. From then on until they resume
 * ({@link ParameterExchange#resume}), no change is in flight, and every change that a server has applied is of a step
 * that its rank has counted. Only the root reads or writes meanwhile.
 *
 * <dl>
 *   <dt>Shape
 *   <dd>All vectors are as long as the parameters, however many servers hold them: so they can be restored on another
 *       number of servers.
 *   <dt>Threading
 *   <dd>The thread that trains.
 *   <dt>Failure
 *   <dd>As for the strategy: {@link io.gyre.PeerLostException} if a server is lost.
 * </dl>
 */
public interface ServerState {

    /** The view of a rank that exchanges nothing itself: of the members of a group, all but the lead. */
    ServerState OF_MEMBER = new ServerState() {};

    /**
     * Waits until servers have applied everything that this rank has sent. Afterwards no other rank's step waits for
     * one of this rank, until it resumes. A second call does nothing.
     */
    default void pause() {}

    /**
     * Which of those this rank is that exchange with the servers; negative if it does not, as the members of a group. A
     * rank without groups is a lead. The root is lead 0.
     */
    default int lead() {
        return -1;
    }

    /** Number of leads. */
    default int leads() {
        return 0;
    }

    /** Number of vectors: the parameters, or the centre, and then the optimiser's slots. Of the root. */
    default int vectors() {
        return 0;
    }

    /** Copies a vector from the servers. Returns the number of updates that it contains. Of the root. */
    default long read(int vector, Region into) {
        throw new UnsupportedOperationException("this rank reads nothing from servers");
    }

    /** Replaces a vector on the servers. Of the root. */
    default void write(int vector, Region from) {
        throw new UnsupportedOperationException("this rank writes nothing to servers");
    }

    /** Makes the servers count updates from a number on, for schedules and bias corrections. Of the root. */
    default void countFrom(long updates) {}

    /**
     * Whether each lead's replica has a state of its own. If not, a replica is what it pulls, and none is saved.
     */
    default boolean replicasDiffer() {
        return false;
    }

    /**
     * Makes room for replicas on the servers. All leads call it together, before their first step.
     *
     * @param state lengths of the parts of a replica; the same on all leads
     */
    default void makeRoom(List<Region> state) {}

    /** Puts this lead's replica where the root can read it. */
    default void putOwn(List<Region> state) {}

    /** Takes what the root has put for this lead. */
    default void takeOwn(List<Region> state) {}

    /**
     * Copies what a lead has put. Of the root.
     *
     * @param lead index of its group; a rank without groups is one by itself
     */
    default void take(int lead, List<Region> into) {}

    /** Puts something for a lead to take. Of the root. */
    default void put(int lead, List<Region> from) {}
}
