package io.gyre.dl4j;

import io.gyre.GyreException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * The calls that all ranks of a run with seats make together, in the order of the program, with their results. A new
 * process runs its program from the beginning: calls that the others have completed are then replayed, that is, return
 * what is recorded here.
 */
final class JointCalls {

    private static final String LINE = "call\t";

    /** Number of completed calls of the run whose results are here, and the trainer's figures after each. */
    private final List<Done> done = new ArrayList<>();

    private int made;

    /**
     * A completed call; the first of the list stands for the beginning of the run.
     *
     * @param result of the call, as text
     */
    record Done(int step, int epoch, double score, boolean ended, String result) {}

    /** Begins a run. */
    void begin(Done beginning) {
        if (done.isEmpty()) {
            done.add(beginning);
        }
    }

    /** Number of calls that the run has completed. */
    int completed() {
        return Math.max(0, done.size() - 1);
    }

    /** Number of calls that this program has completed. */
    int made() {
        return made;
    }

    /** Whether the run has completed the call that this program makes next. */
    boolean isBehind() {
        return made < completed();
    }

    /** The figures after the last call that this program has completed. */
    Done last() {
        return done.get(made);
    }

    /** Returns the result of the next call, which the run has completed. */
    String replay() {
        made++;
        return last().result();
    }

    /** This program has completed a call. */
    void complete(Done call) {
        done.add(call);
        made++;
    }

    /** Takes over the record of the process that is furthest. */
    void replaceBy(JointCalls furthest) {
        if (furthest.completed() > completed() || done.isEmpty()) {
            done.clear();
            done.addAll(furthest.done);
        }
    }

    /** One line for each call. */
    String text() {
        StringBuilder text = new StringBuilder();
        for (Done call : done) {
            text.append(LINE)
                    .append(call.step)
                    .append('\t')
                    .append(call.epoch)
                    .append('\t')
                    .append(Double.doubleToRawLongBits(call.score))
                    .append('\t')
                    .append(call.ended)
                    .append('\t')
                    .append(Base64.getEncoder().encodeToString(call.result.getBytes(StandardCharsets.UTF_8)))
                    .append('\n');
        }
        return text.toString();
    }

    /** Reads {@link #text}; ignores other lines. */
    static JointCalls parse(String text) {
        JointCalls calls = new JointCalls();
        text.lines().filter(line -> line.startsWith(LINE)).forEach(line -> {
            String[] fields = line.substring(LINE.length()).split("\t", -1);
            try {
                calls.done.add(new Done(
                        Integer.parseInt(fields[0]),
                        Integer.parseInt(fields[1]),
                        Double.longBitsToDouble(Long.parseLong(fields[2])),
                        Boolean.parseBoolean(fields[3]),
                        new String(Base64.getDecoder().decode(fields[4]), StandardCharsets.UTF_8)));
            } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
                throw new GyreException("not the record of a call: '" + line + "'", e);
            }
        });
        return calls;
    }
}
