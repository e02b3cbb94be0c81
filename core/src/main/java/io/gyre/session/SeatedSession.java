package io.gyre.session;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Endpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of several ranks, driven by one thread: a process that holds several seats of a run, which it computes
 * one after the other. Each seat is a full member of the run, with its own connection, endpoint and lanes. In a run in
 * which any process holds several ranks, all processes use this class, also those that hold one.
 *
 * <dl>
 *   <dt>Rank
 *   <dd>{@link #world}, {@link #members}, {@link #endpoint} and whether the run is whole are those of the lead, the
 *       seat of the lowest rank. {@link #bytesSent} counts all seats.
 *   <dt>All seats
 *   <dd>take part in each {@link #exchange}, and so in {@link #agree}: each with the same value, unless a value is
 *       given for each. They attest, fail and leave together. A collective over {@link #endpoint} waits for the other
 *       seats of this process: create one for each of the {@link #seats} and call them by {@link #onSeats}, or use the
 *       endpoint of {@link #ofLeads}.
 *   <dt>Threading
 *   <dd>That of a session: one thread, which the seat threads serve. See {@link #onSeats}.
 *   <dt>Ownership
 *   <dd>The sessions of the seats are owned, and closed with this one.
 * </dl>
 */
public final class SeatedSession implements Session {

    private final List<Session> seats;
    private final Session lead;
    private final Groups seating;
    private final SeatThreads threads;

    private SeatedSession(List<Session> seats, Groups seating) {
        this.seats = List.copyOf(seats);
        this.seating = seating;
        lead = seats.get(0);
        threads = new SeatThreads(this.seats);
    }

    /** Joins a run as one rank. */
    @FunctionalInterface
    public interface Join {
        /** Returns when all ranks have joined. */
        Session as(int rank) throws Exception;
    }

    /**
     * Joins a run as all ranks of a process, at the same time, as joining may wait for all.
     *
     * @param seating which ranks each process holds, the same in all processes
     * @param lead the lowest rank of this process
     * @throws Exception the first failure in the order of the ranks; those that have joined have left then
     */
    public static SeatedSession join(Groups seating, int lead, Join join) throws Exception {
        List<Integer> ranks = seating.of(lead);
        List<FutureTask<Session>> joins = new ArrayList<>();
        for (int rank : ranks) {
            joins.add(new FutureTask<>(() -> join.as(rank)));
        }
        for (int seat = 1; seat < joins.size(); seat++) {
            Thread thread = new Thread(joins.get(seat), "gyre-join-" + ranks.get(seat));
            thread.setDaemon(true);
            thread.start();
        }
        joins.get(0).run();
        List<Session> joined = new ArrayList<>();
        Exception failure = null;
        for (FutureTask<Session> each : joins) {
            try {
                joined.add(each.get());
            } catch (ExecutionException e) {
                failure = failure != null ? failure : e.getCause() instanceof Exception cause ? cause : e;
            }
        }
        try {
            if (failure == null) {
                return of(joined, seating);
            }
        } catch (RuntimeException e) {
            failure = e;
        }
        String reason = "it could not join with all of its ranks: " + failure;
        joined.forEach(seat -> seat.fail(reason));
        close(joined);
        throw Objects.requireNonNull(failure);
    }

    /**
     * Combines sessions that have joined. All processes of the run call it together.
     *
     * @param seats those of this process, ascending by rank; owned if this returns
     * @param seating which ranks each process holds; compared between all processes
     * @throws IllegalArgumentException if the seats are not those of a process in the seating
     * @throws io.gyre.DisagreementException if another process has another seating
     */
    public static SeatedSession of(List<? extends Session> seats, Groups seating) {
        if (seats.isEmpty()) {
            throw new IllegalArgumentException("a process without a seat takes no part in a run");
        }
        List<Integer> ranks = seats.stream().map(seat -> seat.world().rank()).toList();
        int size = seats.get(0).world().size();
        if (seating.ranks() != size || !seating.members().contains(ranks)) {
            throw new IllegalArgumentException("this process holds ranks " + ranks + " of " + size
                    + ", and no process does so in the seating " + seating);
        }
        SeatedSession session = new SeatedSession(List.copyOf(seats), seating);
        try {
            session.agree("seats", Map.of("ranks of each process", seating.toString()));
        } catch (RuntimeException | Error e) {
            session.threads.close();
            throw e;
        }
        return session;
    }

    @Override
    public boolean hasSeats() {
        return true;
    }

    @Override
    public World world() {
        return lead.world();
    }

    @Override
    public List<Member> members() {
        return lead.members();
    }

    @Override
    public List<Session> seats() {
        return seats;
    }

    @Override
    public Groups seating() {
        return seating;
    }

    @Override
    public void onSeats(IntConsumer work) {
        threads.run(work);
    }

    @Override
    public String transport() {
        return lead.transport();
    }

    @Override
    public Endpoint endpoint() {
        return lead.endpoint();
    }

    @Override
    public Endpoint endpoint(int lane) {
        return lead.endpoint(lane);
    }

    @Override
    public long bytesSent() {
        long sum = 0;
        for (int seat = 0; seat < seats.size(); seat++) {
            sum += seats.get(seat).bytesSent();
        }
        return sum;
    }

    @Override
    public long networkBytesSent() {
        long sum = 0;
        for (int seat = 0; seat < seats.size(); seat++) {
            sum += seats.get(seat).networkBytesSent();
        }
        return sum;
    }

    @Override
    public List<byte[]> exchange(String topic, List<byte[]> ofSeats) {
        if (ofSeats.size() != seats.size()) {
            throw new IllegalArgumentException("'" + topic + "': " + ofSeats.size() + " values for the " + seats.size()
                    + " seats of this process");
        }
        @Nullable List<?>[] results = new List<?>[seats.size()];
        threads.run(seat -> results[seat] = seats.get(seat).exchange(topic, ofSeats.get(seat)));
        return result(results);
    }

    @Override
    public List<byte[]> exchange(List<Integer> ranks, String topic, byte[] value) {
        List<Session> taking = seats.stream()
                .filter(seat -> ranks.contains(seat.world().rank()))
                .toList();
        if (taking.size() <= 1) {
            // Without one of its own ranks, the lead rejects the call.
            return (taking.isEmpty() ? lead : taking.get(0)).exchange(ranks, topic, value);
        }
        @Nullable List<?>[] results = new List<?>[seats.size()];
        threads.run(seat -> {
            if (taking.contains(seats.get(seat))) {
                results[seat] = seats.get(seat).exchange(ranks, topic, value);
            }
        });
        return result(results);
    }

    /** All seats that take part get the same values. */
    @SuppressWarnings("unchecked") // Each is what exchange has returned.
    private static List<byte[]> result(@Nullable List<?>[] results) {
        return (List<byte[]>) Arrays.stream(results)
                .filter(Objects::nonNull)
                .findFirst()
                .orElseThrow(() -> new GyreException("an exchange has returned nothing"));
    }

    @Override
    public void attest(List<Integer> ranks, String topic, String value, String remedy) {
        for (Session seat : seats) {
            if (ranks.contains(seat.world().rank())) {
                seat.attest(ranks, topic, value, remedy);
            }
        }
    }

    @Override
    public void beExpendable() {
        throw new UnsupportedOperationException("ranks " + seating.of(world().rank())
                + " are held by one process, which is lost as a whole: only a process with one rank can be expendable");
    }

    @Override
    public boolean hasEnded(int rank) {
        return lead.hasEnded(rank);
    }

    @Override
    public int incarnation(int rank) {
        return lead.incarnation(rank);
    }

    @Override
    public void check(List<Integer> ranks, Object doing) {
        lead.check(ranks, doing);
    }

    @Override
    public boolean isWhole(List<Integer> ranks) {
        return lead.isWhole(ranks);
    }

    @Override
    public void fail(String reason) {
        seats.forEach(seat -> seat.fail(reason));
    }

    /** Leaves with all seats at the same time, and ends the seat threads. A second call does nothing. */
    @Override
    public void close() {
        close(seats);
        threads.close();
    }

    /** Leaving may wait until all other ranks have left. */
    private static void close(List<Session> seats) {
        List<Thread> closing = new ArrayList<>();
        for (int seat = 1; seat < seats.size(); seat++) {
            Thread thread = new Thread(
                    seats.get(seat)::close,
                    "gyre-leave-" + seats.get(seat).world().rank());
            thread.setDaemon(true);
            thread.start();
            closing.add(thread);
        }
        if (!seats.isEmpty()) {
            seats.get(0).close();
        }
        boolean interrupted = false;
        for (Thread thread : closing) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "SeatedSession[ranks " + seating.of(world().rank()) + " of " + world().size() + "]";
    }
}
