package io.gyre.training;

/**
 * A part of a vector.
 *
 * @param offset of its first element
 * @param length in elements
 */
public record Span(long offset, long length) {

    /** The element behind the last. */
    public long end() {
        return offset + length;
    }
}
