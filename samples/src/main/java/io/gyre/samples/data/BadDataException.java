package io.gyre.samples.data;

import io.gyre.GyreException;
import org.jspecify.annotations.Nullable;

/** Data that cannot be used. The message says which file, what is wrong with it, and what was expected. */
public final class BadDataException extends GyreException {

    private static final long serialVersionUID = 1L;

    public BadDataException(String message) {
        super(message);
    }

    public BadDataException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
