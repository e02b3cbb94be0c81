package io.gyre.samples.data;

import io.gyre.dl4j.ExampleSource;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Images as examples for a network: features of shape {@code [batch, channels, height, width]}, labels one-hot. */
public final class ImageExamples {

    private ImageExamples() {}

    /** The part of a set that is trained on. */
    public static ExampleSource train(ImageSet set) {
        return of(set, set.train());
    }

    /** The part of a set that is held out. */
    public static ExampleSource heldOut(ImageSet set) {
        return of(set, set.heldOut());
    }

    private static ExampleSource of(ImageSet set, Images images) {
        return ExampleSource.of(images.size(), indices -> load(set, images, indices));
    }

    private static DataSet load(ImageSet set, Images images, int[] indices) {
        ImageShape shape = set.shape();
        int classes = set.classes().size();
        float[] features = new float[indices.length * shape.values()];
        float[] labels = new float[indices.length * classes];
        for (int row = 0; row < indices.length; row++) {
            images.read(indices[row], features, row * shape.values());
            labels[row * classes + images.label(indices[row])] = 1;
        }
        return new DataSet(
                Nd4j.createFromArray(features).reshape(indices.length, shape.channels(), shape.height(), shape.width()),
                Nd4j.createFromArray(labels).reshape(indices.length, classes));
    }
}
