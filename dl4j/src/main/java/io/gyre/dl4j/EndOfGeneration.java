package io.gyre.dl4j;

import io.gyre.GyreException;

/** Ends the work of a generation between two steps, on all ranks alike, since a process waits for seats. */
final class EndOfGeneration extends GyreException {

    private static final long serialVersionUID = 1L;

    EndOfGeneration(long step) {
        super("the processes regroup after step " + step + ", since another waits for seats");
    }
}
