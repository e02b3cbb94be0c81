package io.gyre.benchmarks;

import java.util.Locale;

/** An operation of clients on a vector on servers. */
enum ServerOperation {
    READ,
    WRITE,
    ACCUMULATE,
    PUSHPULL;

    /** As on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
