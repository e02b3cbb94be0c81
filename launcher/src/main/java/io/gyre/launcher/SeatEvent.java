package io.gyre.launcher;

import io.gyre.membership.RunProcess;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A change of the processes of a run with seats.
 *
 * @param kind one word: {@code open} (for processes from elsewhere), {@code asked} (by one), {@code joined}, {@code
 *     silent}, {@code lost}, {@code left}, {@code refused} or {@code generation}
 * @param group number of the group; empty in a run without groups
 * @param generation the present one; 0 before the first
 * @param step number of steps done when it began
 * @param process whose change it is; empty if it is nobody's
 * @param holders number of the process that holds each seat, by seat; empty unless a generation begins
 * @param text a sentence for people
 */
public record SeatEvent(
        String kind,
        OptionalInt group,
        int generation,
        long step,
        Optional<RunProcess> process,
        List<Integer> holders,
        String text) {

    public SeatEvent {
        holders = List.copyOf(holders);
    }
}
