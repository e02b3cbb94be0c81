package io.gyre.dl4j;

import io.gyre.GyreException;

/** Gradients are not finite: no update was applied. All ranks in step throw it in the same step. */
final class NotFiniteException extends GyreException {

    private static final long serialVersionUID = 1L;

    NotFiniteException(String message) {
        super(message);
    }
}
