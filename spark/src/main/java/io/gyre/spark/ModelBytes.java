package io.gyre.spark;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;

/** A model with its updater's state in Deeplearning4j's own format, as it travels between driver and executors. */
final class ModelBytes implements Serializable {

    private static final long serialVersionUID = 1;

    private final byte[] zip;
    private final boolean isGraph;

    ModelBytes(byte[] zip, boolean isGraph) {
        this.zip = zip;
        this.isGraph = isGraph;
    }

    /**
     * Reads a model.
     *
     * @throws IllegalArgumentException if it is neither a {@code MultiLayerNetwork} nor a {@code ComputationGraph}
     */
    static ModelBytes of(Model model) {
        if (!(model instanceof MultiLayerNetwork || model instanceof ComputationGraph)) {
            throw new IllegalArgumentException("a model of " + model.getClass().getName()
                    + ": only MultiLayerNetwork and ComputationGraph can be trained on Spark");
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            ModelSerializer.writeModel(model, bytes, true);
        } catch (IOException e) {
            throw new UncheckedIOException("the model cannot be written", e);
        }
        return new ModelBytes(bytes.toByteArray(), model instanceof ComputationGraph);
    }

    /** As {@link #of}, with new contents of the same kind of model. */
    ModelBytes with(byte[] newZip) {
        return new ModelBytes(newZip, isGraph);
    }

    /** Not copied. */
    byte[] zip() {
        return zip;
    }

    Model model() {
        try {
            ByteArrayInputStream bytes = new ByteArrayInputStream(zip);
            return isGraph
                    ? ModelSerializer.restoreComputationGraph(bytes, true)
                    : ModelSerializer.restoreMultiLayerNetwork(bytes, true);
        } catch (IOException e) {
            throw new UncheckedIOException("the model cannot be read", e);
        }
    }
}
