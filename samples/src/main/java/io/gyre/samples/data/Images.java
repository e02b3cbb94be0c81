package io.gyre.samples.data;

/** Labelled images with random access. Thread-safe. */
public interface Images {

    /** How many there are. */
    int size();

    /** Number of the image's class. */
    int label(int index);

    /**
     * Reads one image, with values scaled for the models.
     *
     * @param values receives {@link ImageShape#values} numbers: channel by channel, each row by row
     * @param offset where they begin
     * @throws BadDataException if it cannot be read
     */
    void read(int index, float[] values, int offset);
}
