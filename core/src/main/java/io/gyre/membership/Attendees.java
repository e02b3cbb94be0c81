package io.gyre.membership;

import io.gyre.membership.Message.Join;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The processes of a run with seats, by connection, which is the order of arrival. */
final class Attendees {

    private final Outbox outbox;
    private final TreeMap<Integer, Attendee> byConnection = new TreeMap<>();
    private int arrivals;

    Attendees(Outbox outbox) {
        this.outbox = outbox;
    }

    /** The process on a connection; null if there is none. */
    @Nullable Attendee on(int connection) {
        return byConnection.get(connection);
    }

    /** The first to arrive; null if there is none. */
    @Nullable Attendee first() {
        return byConnection.isEmpty() ? null : byConnection.firstEntry().getValue();
    }

    boolean isEmpty() {
        return byConnection.isEmpty();
    }

    /** All processes, in the order of arrival: those of now, also if one goes meanwhile. */
    List<Attendee> all() {
        return List.copyOf(byConnection.values());
    }

    /** Those that take part in the present generation, or have in the one that has ended. */
    List<Attendee> seated() {
        return stream().filter(each -> each.seated).toList();
    }

    /** Those that can take seats in the next generation. */
    List<Attendee> present() {
        return stream().filter(each -> each.present).toList();
    }

    /** Those with seats that have not reported yet. */
    List<Attendee> awaited() {
        return stream().filter(each -> each.seated && !each.present).toList();
    }

    private Stream<Attendee> stream() {
        return byConnection.values().stream();
    }

    /**
     * A process has joined.
     *
     * @param time of the usher's clock
     */
    Attendee add(int connection, Join join, long time) {
        Attendee attendee = new Attendee(connection, arrivals++, join, time);
        byConnection.put(connection, attendee);
        return attendee;
    }

    /** A process goes. It gets what was sent to it before. */
    void remove(Attendee attendee) {
        byConnection.remove(attendee.connection);
        outbox.close(attendee.connection);
    }

    void sendToAll(Message message) {
        byConnection.keySet().forEach(connection -> outbox.send(connection, message));
    }
}
