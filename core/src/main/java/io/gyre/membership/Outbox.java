package io.gyre.membership;

/**
 * How the coordinator reaches the ranks. Connections are numbers, given by whoever owns the sockets, and never used
 * again.
 */
public interface Outbox {

    /** Sends a message; messages on one connection keep their order. One to a connection that has ended is lost. */
    void send(int connection, Message message);

    /** Closes a connection after what was sent on it. The coordinator expects no word about it any more. */
    void close(int connection);
}
