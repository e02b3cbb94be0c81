package io.gyre.launcher;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The last lines of a rank, for the report of its end. Any thread may add. */
final class Tail {

    /** Enough for an exception, its cause, and the lines before it. */
    private static final int LINES = 20;

    private final Deque<byte[]> lines = new ArrayDeque<>();

    synchronized void add(byte[] line) {
        if (lines.size() == LINES) {
            lines.removeFirst();
        }
        lines.addLast(line);
    }

    synchronized List<String> lines() {
        return lines.stream()
                .map(line -> new String(line, StandardCharsets.UTF_8))
                .toList();
    }
}
