package io.gyre.launcher;

import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * What the command that starts a run with seats has for its launcher.
 *
 * @param events gets what becomes of the processes, on another thread; must not block or throw
 * @param program the program and its options, as text: those of a process that comes from elsewhere must be equal
 * @param joining the words with which a user starts such a process, by the address where it asks
 */
public record SeatedCommand(Consumer<SeatEvent> events, String program, UnaryOperator<String> joining) {}
