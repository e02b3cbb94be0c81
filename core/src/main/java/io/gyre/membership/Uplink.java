package io.gyre.membership;

/** How a rank reaches its coordinator. Called with the monitor of its {@link Membership} held: must not block. */
public interface Uplink {

    /** Sends a message; messages keep their order. One to a coordinator that is gone is lost. */
    void send(Message message);

    /**
     * Whoever waits for the coordinator calls this several times a second. For uplinks that have no thread of their
     * own.
     */
    default void turn() {}
}
