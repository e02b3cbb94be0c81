package io.gyre.membership;

/** What receives the messages of a connection to a rendezvous, and the time. Called by the carrier of messages. */
public interface Downlink extends AutoCloseable {

    /** A message was received. */
    void received(Message message);

    /** The connection has ended, or cannot be used any more. */
    void disconnected(String how);

    /** Time has passed: called every {@link Coordinator#TICK}, or more often. */
    void tick();

    /** Whether the connection has ended, or cannot be used any more. */
    boolean isDetached();

    /** Waits end; what becomes of the connection is no longer reported. A second call does nothing. */
    @Override
    void close();
}
