package io.gyre.samples.data;

import io.gyre.dl4j.ExampleSource;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.inputs.InputType;

/**
 * Images to train on, and held-out images to evaluate.
 *
 * @param name for messages
 * @param shape of every image
 * @param classes names of the classes, by number
 * @param train images to train on; not empty
 * @param heldOut never trained on; may be empty
 */
public record ImageSet(String name, ImageShape shape, List<String> classes, Images train, Images heldOut)
        implements SampleData {

    /** One in this many images is held out if a set has no separate test part. */
    private static final int HELD_OUT_ONE_IN = 5;

    public ImageSet {
        classes = List.copyOf(classes);
        if (train.size() == 0) {
            throw new BadDataException(name + " has no image to train on");
        }
    }

    @Override
    public InputType input() {
        return shape.input();
    }

    @Override
    public int choices() {
        return classes.size();
    }

    @Override
    public ExampleSource examples() {
        return ImageExamples.train(this);
    }

    @Override
    public ExampleSource heldOutExamples() {
        return ImageExamples.heldOut(this);
    }

    /** Holds out the last fifth: for images in no particular order. */
    static ImageSet holdingOutLastFifth(String name, ImageShape shape, List<String> classes, Images all) {
        int first = all.size() - all.size() / HELD_OUT_ONE_IN;
        return holdingOut(name, shape, classes, all, index -> index >= first);
    }

    /** Holds out every fifth image: for images in the order of their classes. */
    static ImageSet holdingOutEveryFifth(String name, ImageShape shape, List<String> classes, Images all) {
        return holdingOut(name, shape, classes, all, index -> index % HELD_OUT_ONE_IN == HELD_OUT_ONE_IN - 1);
    }

    /** The same images in every run, for any seed, so that accuracies can be compared. */
    private static ImageSet holdingOut(
            String name, ImageShape shape, List<String> classes, Images all, IntPredicate heldOut) {
        if (all.size() < HELD_OUT_ONE_IN) {
            throw new BadDataException(name + " has " + all.size() + " images: at least " + HELD_OUT_ONE_IN
                    + " are needed, because a fifth is held out to measure the accuracy");
        }
        return new ImageSet(name, shape, classes, select(all, heldOut.negate()), select(all, heldOut));
    }

    private static Images select(Images all, IntPredicate wanted) {
        return new Selection(all, IntStream.range(0, all.size()).filter(wanted).toArray());
    }
}
