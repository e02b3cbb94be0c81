package io.gyre.paramserver;

import io.gyre.ElementType;

/**
 * Identifies a buffer: a client that attaches one must give the same values as the client that created it.
 *
 * @param name unique on the servers
 * @param type of the elements
 * @param elements length of the whole vector
 * @param trained whether the servers train it
 */
record BufferSpec(String name, ElementType type, long elements, boolean trained) {

    BufferSpec {
        if (!isPossible(type, elements)) {
            throw new IllegalArgumentException("buffer '" + name + "' has " + elements + " elements of " + type
                    + ": 0 to " + Long.MAX_VALUE / type.bytes() + " are possible");
        }
    }

    /** Whether such a vector's length in bytes can be represented. */
    static boolean isPossible(ElementType type, long elements) {
        return elements >= 0 && elements <= Long.MAX_VALUE / type.bytes();
    }

    /** Length of the whole vector in bytes. */
    long byteLength() {
        return elements * type.bytes();
    }

    @Override
    public String toString() {
        return "'" + name + "' (" + elements + " elements of " + type + (trained ? ", in training" : "") + ")";
    }
}
