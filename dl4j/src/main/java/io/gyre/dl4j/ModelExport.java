package io.gyre.dl4j;

import io.gyre.GyreException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Path;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.autodiff.samediff.SameDiff;

/** Writes a model's own kind of file, with its updater's state. */
final class ModelExport {

    private ModelExport() {}

    /** Writes a network as a zip of {@code ModelSerializer}. */
    static void write(Model model, Path file) {
        write(file, channel -> {
            // Not closed: the channel must still be synced to disk.
            OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
            ModelSerializer.writeModel(model, out, true);
            out.flush();
        });
    }

    /** Writes a graph as FlatBuffers, as {@code SameDiff.save} does. */
    static void write(SameDiff graph, Path file) {
        write(file, channel -> {
            ByteBuffer bytes = graph.asFlatBuffers(true);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        });
    }

    private static void write(Path file, AtomicFile.Body body) {
        try {
            AtomicFile.write(file, file.resolveSibling(file.getFileName() + ".unfinished"), body);
        } catch (IOException e) {
            throw new GyreException("the model cannot be written to " + file + ": " + AtomicFile.reason(e), e);
        }
    }
}
