package io.gyre.samples.data;

/** Labelled images, read one at a time in any order. Several threads may read at once. */
public interface Images {

    /** How many there are. */
    int size();

    /** Number of the image's class. */
    int label(int index);

    /**
     * Reads one image, scaled as the models like it.
     *
     * @param values receives {@link ImageShape#values} numbers: channel by channel, each row by row
     * @param offset where they begin
     * @throws BadDataException if it cannot be read
     */
    void read(int index, float[] values, int offset);
}
