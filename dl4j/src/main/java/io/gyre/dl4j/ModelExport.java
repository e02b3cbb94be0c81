package io.gyre.dl4j;

import io.gyre.GyreException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.util.ModelSerializer;

/** Writes Deeplearning4j's own model file. */
final class ModelExport {

    private ModelExport() {}

    static void write(Model model, Path file) {
        try {
            AtomicFile.write(file, file.resolveSibling(file.getFileName() + ".unfinished"), channel -> {
                // Not closed: the channel must still be synced to disk.
                OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
                ModelSerializer.writeModel(model, out, true);
                out.flush();
            });
        } catch (IOException e) {
            throw new GyreException("the model cannot be written to " + file + ": " + AtomicFile.reason(e), e);
        }
    }
}
