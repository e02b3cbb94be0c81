package io.gyre.membership;

import io.gyre.Chunk;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which process holds each seat of a run. A seat is a logical rank: the number of seats is fixed, and what a run
 * computes does not depend on who holds them.
 *
 * @param holders number of the process that holds each seat, by seat
 */
public record Seating(List<Integer> holders) {

    public Seating {
        holders = List.copyOf(holders);
        if (holders.isEmpty()) {
            throw new IllegalArgumentException("a run without seats");
        }
    }

    /**
     * Gives each process as many neighbouring seats, or one more.
     *
     * @param processes 1 to {@code seats} numbers, in the order in which they are seated
     */
    public static Seating of(int seats, List<Integer> processes) {
        check(seats, processes);
        List<Integer> holders = new ArrayList<>();
        for (int i = 0; i < processes.size(); i++) {
            Chunk chunk = Chunk.of(i, processes.size(), seats);
            for (int seat = 0; seat < chunk.length(); seat++) {
                holders.add(processes.get(i));
            }
        }
        return new Seating(holders);
    }

    private static void check(int seats, Collection<Integer> processes) {
        if (processes.isEmpty() || processes.size() > seats) {
            throw new IllegalArgumentException(
                    processes.size() + " processes for " + seats + " seats: 1 to " + seats + " can be seated");
        }
    }

    /**
     * The seating with other processes, in which as few seats as possible move. A process that stays keeps its seats;
     * those of others go to the process with the fewest, and among equals to the one with the lowest seat. Then those
     * with two seats more than another give some up.
     *
     * @param processes 1 to {@code seats} numbers; those without a seat so far come last among equals
     */
    public Seating among(List<Integer> processes) {
        check(holders.size(), processes);
        List<Load> loads = new ArrayList<>();
        for (int process : processes) {
            loads.add(new Load(process, new ArrayList<>(seatsOf(process))));
        }
        for (int seat = 0; seat < holders.size(); seat++) {
            if (!processes.contains(holders.get(seat))) {
                Collections.min(loads, Load.ORDER).seats.add(seat);
            }
        }
        while (true) {
            List<Integer> most = Collections.max(loads, Load.ORDER).seats;
            List<Integer> least = Collections.min(loads, Load.ORDER).seats;
            if (most.size() - least.size() < 2) {
                break;
            }
            // The lowest seat stays: it says where a process stands among equals.
            least.add(most.remove(most.size() - 1));
        }
        Integer[] next = new Integer[holders.size()];
        loads.forEach(load -> load.seats.forEach(seat -> next[seat] = load.process));
        return new Seating(List.of(next));
    }

    private record Load(int process, List<Integer> seats) {

        /** By number of seats, then by the lowest one, then by number of the process. */
        static final Comparator<Load> ORDER = Comparator.<Load>comparingInt(load -> load.seats.size())
                .thenComparingInt(load ->
                        load.seats.stream().mapToInt(Integer::intValue).min().orElse(Integer.MAX_VALUE))
                .thenComparingInt(Load::process);
    }

    /** Number of seats. */
    public int size() {
        return holders.size();
    }

    /** The seats that a process holds, ascending; empty if it holds none. */
    public List<Integer> seatsOf(int process) {
        return IntStream.range(0, holders.size())
                .filter(seat -> holders.get(seat) == process)
                .boxed()
                .toList();
    }

    /** The processes with a seat, in the order of their lowest ones. */
    public List<Integer> processes() {
        return holders.stream().distinct().toList();
    }

    /** {@code process 0: seats 0 and 1, process 2: seat 2}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int process : processes()) {
            List<Integer> held = seatsOf(process);
            text.append(text.isEmpty() ? "" : ", ")
                    .append("process ")
                    .append(process)
                    .append(held.size() == 1 ? ": seat " : ": seats ");
            for (int i = 0; i < held.size(); i++) {
                text.append(i == 0 ? "" : i == held.size() - 1 ? " and " : ", ").append(held.get(i));
            }
        }
        return text.toString();
    }
}
