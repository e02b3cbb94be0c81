package io.gyre.membership;

/** Name of one run, drawn at random, so that messages and files of different runs are never mistaken for each other. */
public record RunId(long high, long low) {

    /** 32 hexadecimal digits. */
    @Override
    public String toString() {
        return "%016x%016x".formatted(high, low);
    }
}
