package io.gyre.benchmarks;

import java.util.Locale;

/** What clients do with a vector on servers. */
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
