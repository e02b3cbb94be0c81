package io.gyre.membership;

/** How a rank reaches its coordinator. Called with the monitor of its {@link Membership} held: must not block. */
public interface Uplink {

    /** Sends a message; messages keep their order. A message to a lost coordinator is dropped. */
    void send(Message message);

    /**
     * Called several times a second by threads that wait for the coordinator, for uplinks without a thread of their
     * own.
     */
    default void turn() {}
}
