package io.gyre.runs;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies what this process prints into a file, line by line, until it is closed. A progress bar, which is redrawn after
 * a carriage return, is left out.
 *
 * <dl>
 *   <dt>Global state
 *   <dd>Replaces {@link System#out} and {@link System#err} until it is closed: for programs, not for libraries.
 * </dl>
 */
public final class RunLog implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);

    private final FileChannel file;
    private final PrintStream out = System.out;
    private final PrintStream err = System.err;
    private boolean failed;
    private boolean closed;

    private RunLog(FileChannel file) {
        this.file = file;
    }

    /** Begins to copy; a file that is there is continued. */
    public static RunLog open(Path path) throws IOException {
        RunLog log = new RunLog(
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND));
        System.setOut(new PrintStream(log.new Copy(log.out), true, Charset.defaultCharset()));
        System.setErr(new PrintStream(log.new Copy(log.err), true, Charset.defaultCharset()));
        return log;
    }

    /** As {@link #open}; null if the log cannot be written, which is a warning. */
    public static @Nullable RunLog openIfPossible(RunFiles files) {
        try {
            return open(files.log());
        } catch (IOException e) {
            LOG.warn("the run has no log: {}", DurableFile.reason(e));
            return null;
        }
    }

    private final class Copy extends OutputStream {
        private final PrintStream to;
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();

        Copy(PrintStream to) {
            this.to = to;
        }

        @Override
        public void write(int value) {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            to.write(bytes, offset, length);
            for (int i = offset; i < offset + length; i++) {
                if (bytes[i] == '\r') {
                    line.reset();
                } else {
                    line.write(bytes[i]);
                    if (bytes[i] == '\n') {
                        keep(line.toByteArray());
                        line.reset();
                    }
                }
            }
        }

        @Override
        public void flush() {
            to.flush();
        }
    }

    /** The disk may be full: then the file ends here, and says so to whoever watches. */
    private synchronized void keep(byte[] line) {
        if (failed || closed) {
            return;
        }
        try {
            ByteBuffer bytes = ByteBuffer.wrap(line);
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
        } catch (IOException e) {
            failed = true;
            byte[] note = ("the log of the run ends here: " + DurableFile.reason(e) + System.lineSeparator())
                    .getBytes(StandardCharsets.UTF_8);
            err.write(note, 0, note.length);
        }
    }

    /** Restores both streams. A second call does nothing. */
    @Override
    public synchronized void close() throws IOException {
        if (!closed) {
            closed = true;
            System.setOut(out);
            System.setErr(err);
            file.close();
        }
    }
}
