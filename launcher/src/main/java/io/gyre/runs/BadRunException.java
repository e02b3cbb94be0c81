package io.gyre.runs;

import io.gyre.GyreException;
import org.jspecify.annotations.Nullable;

/** A directory that is not that of a run, is half written, in use, or of another version; the message says which. */
public final class BadRunException extends GyreException {

    private static final long serialVersionUID = 1L;

    /** With what is wrong, and where. */
    public BadRunException(String message) {
        super(message);
    }

    BadRunException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
