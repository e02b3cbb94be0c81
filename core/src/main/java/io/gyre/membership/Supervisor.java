package io.gyre.membership;

import io.gyre.Member;
import java.util.List;

/**
 * Answers the processes that connect to a rendezvous. A state machine without clock, thread or socket; connections are
 * identified by numbers that are never reused, and answers go to an {@link Outbox}.
 */
public interface Supervisor {

    /** A connection was opened. */
    void connected(int connection);

    /** A message was received. */
    void received(int connection, Message message);

    /** A connection has ended, but not by {@link Outbox#close}. */
    void disconnected(int connection, String how);

    /** Time has passed: called every {@link Coordinator#TICK}, with nanoseconds from any origin. */
    void tick(long now);

    /** Whether this connection has joined, and may thus send long messages. */
    boolean hasJoined(int connection);

    /** This rendezvous is about to end: those that do not take part yet hear that they are too late. */
    void refuseLatecomers(List<Integer> connections);

    /** Whether nothing is left to supervise. */
    boolean isOver();

    /** Those that have joined. */
    List<Member> members();
}
