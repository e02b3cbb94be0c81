package io.gyre.samples.train;

import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.Images;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes drawn digits as MNIST-style files. */
final class IdxWriter {

    private static final int PIXELS = 28;

    private IdxWriter() {}

    /** Writes {@code count} images, some of them several times. */
    static void write(Path directory, String part, int count) throws IOException {
        Images digits = DrawnDigits.of(1).heldOut();
        ByteBuffer images = ByteBuffer.allocate(16 + count * PIXELS * PIXELS);
        ByteBuffer labels = ByteBuffer.allocate(8 + count);
        images.putInt(0x0803).putInt(count).putInt(PIXELS).putInt(PIXELS);
        labels.putInt(0x0801).putInt(count);
        float[] values = new float[PIXELS * PIXELS];
        for (int i = 0; i < count; i++) {
            digits.read(i % digits.size(), values, 0);
            for (float value : values) {
                images.put((byte) Math.round(value * 255));
            }
            labels.put((byte) digits.label(i % digits.size()));
        }
        Files.write(directory.resolve(part + "-images-idx3-ubyte"), images.array());
        Files.write(directory.resolve(part + "-labels-idx1-ubyte"), labels.array());
    }
}
