package io.gyre.dl4j;

import io.gyre.GyreException;
import org.jspecify.annotations.Nullable;

/** A model file that is not read. The message says which file, what is wrong with it, and what was expected. */
public final class BadModelException extends GyreException {

    private static final long serialVersionUID = 1L;

    BadModelException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
