package io.gyre.launcher;

/**
 * A change of the processes of a run with seats.
 *
 * @param kind one word: {@code open} (for processes from elsewhere), {@code asked} (by one), {@code joined}, {@code
 *     silent}, {@code lost}, {@code left}, {@code refused} or {@code generation}
 * @param generation the present one; 0 before the first
 * @param step number of steps done when it began
 * @param text a sentence for people
 */
public record SeatEvent(String kind, int generation, long step, String text) {}
