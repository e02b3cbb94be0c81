package io.gyre.network;

import io.gyre.PeerLostException;

/** What is known about the other ranks of a session; asked by everybody who waits. */
public interface PeerStatus {

    /**
     * Fails if the session cannot go on.
     *
     * @param observer rank that asks
     * @param doing what it is doing, in words, for the error
     * @throws PeerLostException if a rank has been declared dead
     */
    void check(int observer, Object doing);

    /**
     * Whether a rank has ended without ending the session: what it sent before stays readable, and no more will come.
     */
    boolean hasLeft(int rank);

    /** How a rank ended that {@link #hasLeft}, in words. */
    default String howLeft(int rank) {
        return PeerLostException.LEFT;
    }
}
