package io.gyre.dl4j;

import java.util.HexFormat;

/**
 * An item that was read and that other ranks must read alike.
 *
 * @param what kind of thing
 * @param number index among these in the epoch
 * @param rows how many examples it has
 * @param value its fingerprint
 */
record Read(What what, long number, long rows, long value) {

    /** What all ranks read alike. */
    enum What {
        BATCH("batch"),
        ORDER("the examples from place"),
        PROBE("a probe from place");

        private final String words;

        What(String words) {
            this.words = words;
        }
    }

    String name() {
        return what.words + " " + number;
    }

    String content() {
        return rows + " rows with fingerprint " + HexFormat.of().toHexDigits(value);
    }
}
