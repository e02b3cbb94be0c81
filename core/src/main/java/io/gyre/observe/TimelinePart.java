package io.gyre.observe;

import io.gyre.GyreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file of one rank's events, in a ring: a header, and records of one length, the newest of which replace the oldest.
 * Memory for one block of records; a process that dies leaves all but the last block.
 *
 * <p>All numbers are big-endian. Header: magic, rank, ranks, process id, capacity in records, records written, whether
 * it is complete, host, times of exchanges at the start, generation, and one moment by the host's clock in milliseconds
 * since 1970 and by the process's. Record: kind, detail, thread, bucket, step, begin, end,
 * value, text.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Any thread may write; records are added under a lock, which nobody holds for long but while a block is written.
 * </dl>
 */
final class TimelinePart implements AutoCloseable {

    static final long MAGIC = 0x4779_7265_5472_6331L;
    static final int HEADER_BYTES = 1_024;
    static final int TEXT_BYTES = 40;
    static final int RECORD_BYTES = 4 * Integer.BYTES + 4 * Long.BYTES + TEXT_BYTES;
    static final int BLOCK_RECORDS = 1_024;

    /** 90 MB. */
    static final int DEFAULT_BLOCKS = 1_000;

    static final int WRITTEN_AT = 32;
    static final int COMPLETE_AT = 40;
    static final int HOST_AT = 44;
    static final int HOST_BYTES = 64;
    static final int SYNC_AT = HOST_AT + HOST_BYTES;
    static final int MOST_SYNCS = 16;
    static final int GENERATION_AT = SYNC_AT + MOST_SYNCS * 2 * Long.BYTES;

    private final Path file;
    private final FileChannel channel;
    private final ByteBuffer header = ByteBuffer.allocateDirect(HEADER_BYTES);
    private final ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_RECORDS * RECORD_BYTES);
    private final int blocks;
    private long blocksDone;
    private boolean closed;

    /**
     * Creates the file, in place of an older one.
     *
     * @param generation of a run with seats; otherwise 0
     * @param blocks capacity, in blocks of {@value #BLOCK_RECORDS} records
     */
    TimelinePart(Path file, int rank, int ranks, long pid, String host, int generation, int blocks) {
        this.file = file;
        this.blocks = blocks;
        header.putLong(MAGIC).putInt(rank).putInt(ranks).putLong(pid).putLong((long) blocks * BLOCK_RECORDS);
        byte[] name = host.getBytes(StandardCharsets.UTF_8);
        header.position(HOST_AT);
        header.put(name, 0, Math.min(name.length, HOST_BYTES));
        header.position(GENERATION_AT);
        header.putInt(generation).putLong(System.currentTimeMillis()).putLong(System.nanoTime());
        try {
            channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
            writeHeader();
        } catch (IOException e) {
            throw new GyreException("the timeline of rank " + rank + " cannot be written to " + file + ": " + e, e);
        }
    }

    /** Adds the times of an exchange in which all ranks take part: before the call, and after it. */
    synchronized void addSync(int number, long beginNanos, long endNanos) {
        int at = SYNC_AT + number * 2 * Long.BYTES;
        header.putLong(at, beginNanos).putLong(at + Long.BYTES, endNanos);
    }

    /** Adds a record. After {@link #close} it does nothing. */
    synchronized void add(
            int kind, int detail, int thread, int bucket, long step, long begin, long end, long value, String text) {
        if (closed) {
            return;
        }
        block.putInt(kind).putInt(detail).putInt(thread).putInt(bucket);
        block.putLong(step).putLong(begin).putLong(end).putLong(value);
        int length = Math.min(TEXT_BYTES, text.length());
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            block.put((byte) (c < ' ' || c > '~' ? '?' : c));
        }
        for (int i = length; i < TEXT_BYTES; i++) {
            block.put((byte) 0);
        }
        if (!block.hasRemaining()) {
            writeBlock();
            blocksDone++;
            block.clear();
        }
    }

    /** Makes what was added readable by others. */
    synchronized void flush() {
        if (!closed) {
            writeBlock();
        }
    }

    private void writeBlock() {
        try {
            int records = block.position() / RECORD_BYTES;
            ByteBuffer filled = block.duplicate().flip();
            long at = HEADER_BYTES + blocksDone % blocks * BLOCK_RECORDS * RECORD_BYTES;
            while (filled.hasRemaining()) {
                at += channel.write(filled, at);
            }
            header.putLong(WRITTEN_AT, blocksDone * BLOCK_RECORDS + records);
            writeHeader();
        } catch (IOException e) {
            throw new GyreException("the timeline cannot be written to " + file + ": " + e, e);
        }
    }

    private void writeHeader() throws IOException {
        ByteBuffer whole = header.duplicate().clear();
        long at = 0;
        while (whole.hasRemaining()) {
            at += channel.write(whole, at);
        }
    }

    /** Writes the rest, and marks the file as complete. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        try (channel) {
            header.putInt(COMPLETE_AT, 1);
            writeBlock();
        } catch (IOException e) {
            throw new GyreException("the timeline cannot be written to " + file + ": " + e, e);
        } finally {
            closed = true;
        }
    }
}
