package io.gyre.launcher;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Where the lines of all ranks come together. A line is written in one piece.
 *
 * <p>If nobody reads any more, lines are dropped and the ranks go on: training must not die with the program that
 * watched it.
 */
final class Terminal {

    private final PrintStream out;
    private final PrintStream err;

    /** Borrows both streams. */
    Terminal(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    /** Whether the standard output of this process is a terminal. Only a program that inherits it can tell. */
    static boolean isOurs() throws IOException, InterruptedException {
        return new ProcessBuilder("test", "-t", "1").inheritIO().start().waitFor() == 0;
    }

    void out(String prefix, byte[] line) {
        write(out, prefix, line);
    }

    void err(String prefix, byte[] line) {
        write(err, prefix, line);
    }

    /** A line of the launcher's own. */
    void say(String text) {
        write(err, "gyre: ", text.getBytes(StandardCharsets.UTF_8));
    }

    /** One lock for both streams: more often than not they end in the same window. */
    private synchronized void write(PrintStream stream, String prefix, byte[] line) {
        byte[] start = prefix.getBytes(StandardCharsets.UTF_8);
        byte[] whole = new byte[start.length + line.length + 1];
        System.arraycopy(start, 0, whole, 0, start.length);
        System.arraycopy(line, 0, whole, start.length, line.length);
        whole[whole.length - 1] = '\n';
        stream.write(whole, 0, whole.length);
        stream.flush();
    }
}
