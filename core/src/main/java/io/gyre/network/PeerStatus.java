package io.gyre.network;

import io.gyre.PeerLostException;

/** Status of the other ranks of a session; checked by every wait. */
public interface PeerStatus {

    /**
     * Fails if the session cannot continue.
     *
     * @param observer rank that asks
     * @param doing description of what it is doing, for the error
     * @throws PeerLostException if a rank is lost
     */
    void check(int observer, Object doing);

    /**
     * Whether a rank has ended without ending the session: what it sent before stays readable, and nothing more will
     * come.
     */
    boolean hasLeft(int rank);

    /** How a rank ended that {@link #hasLeft}, in words. */
    default String howLeft(int rank) {
        return PeerLostException.LEFT;
    }
}
