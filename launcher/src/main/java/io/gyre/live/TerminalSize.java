package io.gyre.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The size of the terminal that this process reads from.
 *
 * @param rows 0 for no limit
 * @param columns 0 for no limit
 */
record TerminalSize(int rows, int columns) {

    /** For what is no terminal. */
    static final TerminalSize NONE = new TerminalSize(0, 0);

    private static final long ANSWER_SECONDS = 2;
    private static final TerminalSize USUAL = new TerminalSize(24, 80);
    private static final Pattern ROWS_COLUMNS = Pattern.compile("(\\d{1,4}) (\\d{1,4})\\s*");

    /** Asks the terminal; the usual size if it does not know. */
    static TerminalSize ask() throws IOException, InterruptedException {
        Process stty = new ProcessBuilder("stty", "size")
                .redirectInput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        // What it says fits into the pipe.
        if (!stty.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS)) {
            stty.destroyForcibly();
            return USUAL;
        }
        String said = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        Matcher size = ROWS_COLUMNS.matcher(said);
        if (!size.matches() || size.group(1).equals("0") || size.group(2).equals("0")) {
            return USUAL;
        }
        return new TerminalSize(Integer.parseInt(size.group(1)), Integer.parseInt(size.group(2)));
    }

    /** What fits: the last row stays free for the cursor. */
    String fit(String line) {
        return columns == 0 || line.length() <= columns ? line : line.substring(0, columns - 1) + "…";
    }
}
