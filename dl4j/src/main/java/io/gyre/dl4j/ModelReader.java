package io.gyre.dl4j;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;

/**
 * Reads Deeplearning4j's model files, those of {@link DistributedTrainer#exportModel} and of {@code ModelSerializer},
 * also if they come from strangers. {@code ModelSerializer} alone runs code that a file brings ({@code
 * preprocessor.bin}, by Java serialization), creates objects of any class that its configuration names, and allocates
 * what its headers claim. Here the file is read once, every byte of it is checked, and {@code ModelSerializer} gets
 * these bytes.
 *
 * <p>Refused are: entries other than configuration, coefficients, updater state and a normalizer, which is not read;
 * an entry twice; an array whose header does not match its bytes; classes outside Deeplearning4j, ND4J and {@code
 * io.gyre.dl4j.learning}; models without parameters; and what would take more than half of the heap, or a file above 2
 * GB.
 *
 * <pre>{@code
 * MultiLayerNetwork network = ModelReader.create().allowing("com.example.layers.").multiLayerNetwork(file, true);
 * }</pre>
 *
 * <p>Immutable, and usable by any thread. It needs memory for the file and, as {@code ModelSerializer} does, for its
 * content.
 */
public final class ModelReader {

    private static final long MAX_FILE_BYTES = Integer.MAX_VALUE - 8;

    /** Whose classes every reader creates objects of. */
    static final List<String> KNOWN = List.of("org.deeplearning4j.", "org.nd4j.", "io.gyre.dl4j.learning.");

    private final List<String> allowed;

    private ModelReader(List<String> allowed) {
        this.allowed = allowed;
    }

    /** A reader that accepts the classes of Deeplearning4j and ND4J, and {@code io.gyre.dl4j.learning}. */
    public static ModelReader create() {
        return new ModelReader(KNOWN);
    }

    /**
     * A reader that accepts more classes in configurations, such as layers of one's own.
     *
     * @param prefix of the names of classes; one that ends in a dot stands for a package and those below it
     */
    public ModelReader allowing(String prefix) {
        if (prefix.isBlank()) {
            throw new IllegalArgumentException("'" + prefix + "' would allow every class: give a package or a class");
        }
        return new ModelReader(
                Stream.concat(allowed.stream(), Stream.of(prefix)).toList());
    }

    /**
     * Reads a network of layers.
     *
     * @param withUpdater whether to read the updater's state, to continue training
     * @throws BadModelException with the file and the reason, if it cannot be read, is refused, or is another model
     */
    public MultiLayerNetwork multiLayerNetwork(Path file, boolean withUpdater) {
        return read(file, in -> ModelSerializer.restoreMultiLayerNetwork(in, withUpdater));
    }

    /**
     * Reads a graph.
     *
     * @param withUpdater whether to read the updater's state, to continue training
     * @throws BadModelException with the file and the reason, if it cannot be read, is refused, or is another model
     */
    public ComputationGraph computationGraph(Path file, boolean withUpdater) {
        return read(file, in -> ModelSerializer.restoreComputationGraph(in, withUpdater));
    }

    private interface Restore<M> {
        M from(InputStream in) throws IOException;
    }

    private <M> M read(Path file, Restore<M> restore) {
        byte[] bytes;
        try {
            bytes = bytes(file);
            new ModelArchive(bytes, Runtime.getRuntime().maxMemory() / 2, allowed).check();
        } catch (IOException e) {
            throw new BadModelException("the model file " + file + " is refused: " + AtomicFile.reason(e), e);
        }
        try {
            return restore.from(new ByteArrayInputStream(bytes));
        } catch (IOException | RuntimeException e) {
            throw new BadModelException("Deeplearning4j cannot read the model file " + file + ": " + e.getMessage(), e);
        }
    }

    private static byte[] bytes(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long length = channel.size();
            if (length > Math.min(MAX_FILE_BYTES, Runtime.getRuntime().maxMemory() / 2)) {
                throw new IOException("it has " + length + " bytes, and at most " + MAX_FILE_BYTES
                        + ", or half of this JVM's heap, can be read: give more heap (-Xmx), if it is to be read");
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) length);
            while (bytes.hasRemaining()) {
                if (channel.read(bytes) < 0) {
                    throw new EOFException("it became shorter while it was read");
                }
            }
            return bytes.array();
        }
    }
}
