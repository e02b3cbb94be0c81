package io.gyre.paramserver;

/** What happens to requests and answers on their way, so that tests can lose and repeat them. */
@FunctionalInterface
interface Faults {

    /** A network that does what it should. */
    Faults NONE = () -> 1;

    /** How many copies of the next message are sent. */
    int copies();
}
