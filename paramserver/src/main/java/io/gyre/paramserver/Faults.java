package io.gyre.paramserver;

/** What happens to requests and replies in flight, so that tests can lose and repeat them. */
@FunctionalInterface
interface Faults {

    /** A network without faults. */
    Faults NONE = () -> 1;

    /** Number of copies of the next message that are sent. */
    int copies();
}
