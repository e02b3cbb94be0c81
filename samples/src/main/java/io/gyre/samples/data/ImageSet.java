package io.gyre.samples.data;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Images to learn from, and others to find out what was learned.
 *
 * @param name for people
 * @param shape of every image
 * @param classes names of the classes, by number
 * @param train to learn from; not empty
 * @param heldOut never trained on; may be empty
 */
public record ImageSet(String name, ImageShape shape, List<String> classes, Images train, Images heldOut) {

    /** One in so many images is held out of a set that comes in one piece. */
    private static final int HELD_OUT_ONE_IN = 5;

    public ImageSet {
        classes = List.copyOf(classes);
        if (train.size() == 0) {
            throw new BadDataException(name + " has no image to train on");
        }
    }

    /**
     * Holds out every fifth image: the same ones in every run, whatever its seed, so that accuracies can be compared; and in
     * equal shares if the images are sorted by class or by difficulty.
     */
    static ImageSet holdingOutEveryFifth(String name, ImageShape shape, List<String> classes, Images all) {
        if (all.size() < HELD_OUT_ONE_IN) {
            throw new BadDataException(name + " has " + all.size() + " images: at least " + HELD_OUT_ONE_IN
                    + " are needed, because every fifth is held out to measure the accuracy");
        }
        int[] train = IntStream.range(0, all.size())
                .filter(i -> i % HELD_OUT_ONE_IN != HELD_OUT_ONE_IN - 1)
                .toArray();
        int[] heldOut = IntStream.range(0, all.size())
                .filter(i -> i % HELD_OUT_ONE_IN == HELD_OUT_ONE_IN - 1)
                .toArray();
        return new ImageSet(name, shape, classes, new Selection(all, train), new Selection(all, heldOut));
    }
}
