package io.gyre;

import org.jspecify.annotations.Nullable;

/** Base class of the failures of a running session. The message is written for the person who runs the program. */
public class GyreException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public GyreException(String message) {
        super(message);
    }

    public GyreException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
