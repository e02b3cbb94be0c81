package io.gyre.launcher;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Merges the output of all ranks. Each line is written in one piece.
 *
 * <p>If the reader has gone away, lines are dropped and the ranks continue: training must not end with the program that
 * watched it.
 */
public final class Terminal {

    private final PrintStream out;
    private final PrintStream err;

    /** Borrows both streams. */
    Terminal(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    /** Whether the standard output of this process is a terminal. Only a child process that inherits it can tell. */
    public static boolean isOurs() throws IOException, InterruptedException {
        return new ProcessBuilder("test", "-t", "1").inheritIO().start().waitFor() == 0;
    }

    void out(String prefix, byte[] line) {
        write(out, prefix, line);
    }

    void err(String prefix, byte[] line) {
        write(err, prefix, line);
    }

    /** Writes a line of the launcher's own. */
    void say(String text) {
        write(err, "gyre: ", text.getBytes(StandardCharsets.UTF_8));
    }

    /** One lock for both streams: usually they are shown in the same window. */
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
