package io.gyre.membership;

/** Name of one run, chosen at random, so that messages and files of different runs are never confused. */
public record RunId(long high, long low) {

    /** 32 hexadecimal digits. */
    @Override
    public String toString() {
        return "%016x%016x".formatted(high, low);
    }
}
