package io.gyre.transport;

/**
 * Which of the latest {@value #WIDTH} counters of a sender have been received, as in RFC 6479: bits in a ring of words.
 * The ring has more words than the window covers, so that clearing a word for new counters forgets none that the window
 * still admits.
 */
final class ReplayWindow {

    static final int WIDTH = 2_048;

    private static final int WORDS = 2 * WIDTH / Long.SIZE;

    private final long[] received = new long[WORDS];
    private long highest;

    /** Whether a counter is positive, not too old, and has not been received. */
    boolean isNew(long counter) {
        if (counter <= 0 || counter <= highest - WIDTH) {
            return false;
        }
        return counter > highest || (received[place(counter)] & bit(counter)) == 0;
    }

    /** Notes that a counter has been received, which must be {@linkplain #isNew new}. */
    void add(long counter) {
        if (counter > highest) {
            long words = Math.min(counter / Long.SIZE - highest / Long.SIZE, WORDS);
            for (long i = 0; i < words; i++) {
                received[place(counter - i * Long.SIZE)] = 0;
            }
            highest = counter;
        }
        received[place(counter)] |= bit(counter);
    }

    private static int place(long counter) {
        return (int) (counter / Long.SIZE % WORDS);
    }

    private static long bit(long counter) {
        return 1L << counter % Long.SIZE;
    }
}
