package io.gyre.runs;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.DoubleSupplier;
import java.util.zip.CRC32C;

/**
 * Scalars for TensorBoard: an event file, which is a sequence of records.
 *
 * <pre>
 * record = length of message (8 bytes), masked CRC32C of the length (4), message, masked CRC32C of the message (4)
 * Event message = 1: double wall_time, 2: int64 step, 3: string file_version | 5: Summary | 7: SessionLog
 * Summary = 1: Value = 1: string tag, 2: float simple_value
 * </pre>
 *
 * <p>Numbers are little-endian. The format is that of TensorFlow's {@code event.proto}, {@code summary.proto} and
 * {@code record_writer.h}.
 */
final class EventFile implements AutoCloseable {

    private static final int MASK_DELTA = 0xa282ead8;

    /** Wire types of protocol buffers. */
    private static final int VARINT = 0;

    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;

    /** Of a {@code SessionLog}: what later steps of earlier files hold is void. */
    private static final int START = 1;

    private final FileChannel channel;
    private final DoubleSupplier wallSeconds;

    private EventFile(FileChannel channel, DoubleSupplier wallSeconds) {
        this.channel = channel;
        this.wallSeconds = wallSeconds;
    }

    /**
     * Creates a new file in a directory.
     *
     * @param firstStep number of steps done before
     * @param wallSeconds clock, in seconds since 1970
     */
    static EventFile create(Path directory, long firstStep, DoubleSupplier wallSeconds) throws IOException {
        Files.createDirectories(directory);
        // TensorBoard reads files in the order of their names; two of a second differ by the number.
        String start = "events.out.tfevents.%010d.".formatted((long) wallSeconds.getAsDouble());
        int number = 0;
        while (Files.exists(directory.resolve(start + number))) {
            number++;
        }
        EventFile file = new EventFile(
                FileChannel.open(
                        directory.resolve(start + number), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                wallSeconds);
        ByteArrayOutputStream version = new ByteArrayOutputStream();
        bytes(version, 3, "brain.Event:2".getBytes(StandardCharsets.UTF_8));
        file.event(0, version);
        if (firstStep > 0) {
            ByteArrayOutputStream session = new ByteArrayOutputStream();
            tag(session, 1, VARINT);
            varint(session, START);
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            bytes(body, 7, session.toByteArray());
            file.event(firstStep, body);
        }
        return file;
    }

    /** Appends a value. */
    void scalar(String name, long step, double value) throws IOException {
        ByteArrayOutputStream inner = new ByteArrayOutputStream();
        bytes(inner, 1, name.getBytes(StandardCharsets.UTF_8));
        tag(inner, 2, FIXED32);
        inner.writeBytes(little(Float.BYTES).putFloat((float) value).array());
        ByteArrayOutputStream summary = new ByteArrayOutputStream();
        bytes(summary, 1, inner.toByteArray());
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        bytes(body, 5, summary.toByteArray());
        event(step, body);
    }

    private void event(long step, ByteArrayOutputStream body) throws IOException {
        ByteArrayOutputStream event = new ByteArrayOutputStream();
        tag(event, 1, FIXED64);
        event.writeBytes(
                little(Double.BYTES).putDouble(wallSeconds.getAsDouble()).array());
        tag(event, 2, VARINT);
        varint(event, step);
        event.writeBytes(body.toByteArray());
        byte[] message = event.toByteArray();
        byte[] length = little(Long.BYTES).putLong(message.length).array();
        ByteBuffer whole = little(length.length + message.length + 2 * Integer.BYTES)
                .put(length)
                .putInt(maskedCrc(length))
                .put(message)
                .putInt(maskedCrc(message))
                .flip();
        while (whole.hasRemaining()) {
            channel.write(whole);
        }
    }

    /** Rotated and shifted, so that a CRC of data that hold CRCs stays good. */
    static int maskedCrc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void tag(ByteArrayOutputStream out, int field, int wireType) {
        varint(out, ((long) field << 3) | wireType);
    }

    private static void bytes(ByteArrayOutputStream out, int field, byte[] content) {
        tag(out, field, BYTES);
        varint(out, content.length);
        out.writeBytes(content);
    }

    private static void varint(ByteArrayOutputStream out, long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            out.write((int) ((rest & 0x7f) | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
