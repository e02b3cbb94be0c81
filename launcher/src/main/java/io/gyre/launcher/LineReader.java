package io.gyre.launcher;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.Consumer;

/** Splits a stream of bytes into lines, without decoding them. */
final class LineReader {

    /** A longer line is split, so that a program that never ends a line does not exhaust our memory. */
    static final int LONGEST = 1 << 20;

    private LineReader() {}

    /**
     * Reads to the end.
     *
     * @param lines called with each line, without its terminator, as soon as it is read, and with the rest at the end
     *     of the stream
     */
    static void read(InputStream in, Consumer<byte[]> lines) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        byte[] block = new byte[8192];
        for (int n = in.read(block); n >= 0; n = in.read(block)) {
            int start = 0;
            for (int i = 0; i < n; i++) {
                boolean ends = block[i] == '\n';
                if (ends || line.size() + i - start == LONGEST) {
                    line.write(block, start, i - start);
                    lines.accept(line.toByteArray());
                    line.reset();
                    start = ends ? i + 1 : i;
                }
            }
            line.write(block, start, n - start);
        }
        if (line.size() > 0) {
            lines.accept(line.toByteArray());
        }
    }
}
