package io.gyre.samples.train;

import java.util.function.IntSupplier;
import org.jline.nativ.CLibrary;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Width of the terminal of the standard error. One system call, cheap enough before every drawing. */
final class TerminalWidth implements IntSupplier {

    private static final Logger LOG = LoggerFactory.getLogger(TerminalWidth.class);
    private static final int STANDARD_ERROR = 2;

    /** Assumed if the terminal does not know its width, as in some containers. */
    private static final int USUAL = 80;

    /** In columns; 0 if there is no terminal, or none on which a line can be redrawn. */
    @Override
    public int getAsInt() {
        String kind = System.getenv("TERM");
        if (kind == null || kind.equals("dumb")) {
            return 0;
        }
        try {
            if (CLibrary.isatty(STANDARD_ERROR) == 0) {
                return 0;
            }
            int columns = CLibrary.getTerminalWidth(STANDARD_ERROR);
            return columns > 0 ? columns : USUAL;
        } catch (LinkageError | RuntimeException e) {
            LOG.debug("the terminal cannot be asked: progress is shown in lines", e);
            return 0;
        }
    }
}
