package io.gyre.membership;

/**
 * How the coordinator reaches the ranks. Connections are identified by numbers that the owner of the sockets assigns
 * and never reuses.
 */
public interface Outbox {

    /**
     * Sends a message. Messages on one connection keep their order, but a {@link Message.Heartbeat} may overtake
     * others. A message to an ended connection is dropped.
     */
    void send(int connection, Message message);

    /** Closes a connection after sending what is queued. The coordinator expects no more events from it. */
    void close(int connection);
}
