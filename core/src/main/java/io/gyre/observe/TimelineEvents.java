package io.gyre.observe;

import io.gyre.GyreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a {@link TimelinePart} holds, as it is read: also one whose process has died, or still writes. */
final class TimelineEvents {

    private static final long NANOS_PER_MILLI = 1_000_000;

    /** A host's clock may have been set meanwhile; that of its processes counts on. */
    private static final long SAME_CLOCK_NANOS = 1_000_000_000;

    /** Kinds of records. */
    static final int PHASE = 1;

    static final int REDUCTION = 2;
    static final int WAIT = 3;
    static final int LOSS = 4;
    static final int COLLECTION = 5;
    static final int MEMORY = 6;
    static final int STALENESS = 7;
    static final int NEWS = 8;

    final int rank;
    final int ranks;
    final long pid;
    final String host;
    final int generation;
    final boolean complete;
    final long lost;
    final Map<Long, long[]> syncs = new HashMap<>();

    /** Milliseconds since 1970 by the host's clock, and the same moment by the process's. */
    private final long wallMillis;

    private final long wallNanos;
    private final Path file;
    private final long begin;
    private final long end;
    private final long capacity;

    /** One record. */
    record Event(
            int kind, int detail, int thread, int bucket, long step, long begin, long end, long value, String text) {}

    /** Takes each event. */
    interface Reader {
        void read(Event event) throws IOException;
    }

    /**
     * Opens a file.
     *
     * @throws GyreException if it is not a part of a timeline
     */
    TimelineEvents(Path file) {
        this.file = file;
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer header = ByteBuffer.allocate(TimelinePart.HEADER_BYTES);
            fill(channel, header, 0);
            header.flip();
            if (header.remaining() < TimelinePart.HEADER_BYTES || header.getLong() != TimelinePart.MAGIC) {
                throw broken("it does not begin as one");
            }
            rank = header.getInt();
            ranks = header.getInt();
            pid = header.getLong();
            capacity = header.getLong();
            end = header.getLong();
            complete = header.getInt() == 1;
            byte[] name = new byte[TimelinePart.HOST_BYTES];
            header.get(name);
            host = new String(name, StandardCharsets.UTF_8).trim();
            long room = (channel.size() - TimelinePart.HEADER_BYTES) / TimelinePart.RECORD_BYTES;
            if (rank < 0
                    || rank >= ranks
                    || end < 0
                    || capacity < TimelinePart.BLOCK_RECORDS
                    || capacity % TimelinePart.BLOCK_RECORDS != 0
                    || room < Math.min(end, capacity)) {
                throw broken("its header says rank " + rank + " of " + ranks + ", " + end + " events, room for "
                        + capacity + ", and it has " + room);
            }
            // The block that is being written replaces the oldest one as a whole.
            long inBlock = end % TimelinePart.BLOCK_RECORDS;
            long kept = end <= capacity ? end : capacity - TimelinePart.BLOCK_RECORDS + inBlock;
            begin = end - kept;
            lost = begin;
            for (int i = 0; i < TimelinePart.MOST_SYNCS; i++) {
                long[] times = {header.getLong(), header.getLong()};
                if (times[0] != 0 || times[1] != 0) {
                    // Below all numbers of steps.
                    syncs.put(Long.MIN_VALUE + i, times);
                }
            }
            generation = header.getInt();
            wallMillis = header.getLong();
            wallNanos = header.getLong();
        } catch (IOException e) {
            throw new GyreException("the part " + file + " of a timeline cannot be read: " + e, e);
        }
    }

    private GyreException broken(String how) {
        return new GyreException(file + " is not a part of a timeline: " + how
                + ". Parts are named FILE.rank-N.part, and a rank writes one each");
    }

    /**
     * What must be added to times of this part to compare them with those of another, with which this rank has never
     * exchanged anything. Processes of one host have one clock; of others, the hosts' clocks are believed.
     */
    long nanosUntil(TimelineEvents other) {
        long difference = (wallMillis - other.wallMillis) * NANOS_PER_MILLI - (wallNanos - other.wallNanos);
        return host.equals(other.host) && Math.abs(difference) < SAME_CLOCK_NANOS ? 0 : difference;
    }

    private static void fill(FileChannel channel, ByteBuffer target, long from) throws IOException {
        long at = from;
        while (target.hasRemaining()) {
            int read = channel.read(target, at);
            if (read < 0) {
                return;
            }
            at += read;
        }
    }

    /** Reads all events, the oldest first. */
    void readAll(Reader reader) throws IOException {
        byte[] text = new byte[TimelinePart.TEXT_BYTES];
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer block = ByteBuffer.allocate(TimelinePart.BLOCK_RECORDS * TimelinePart.RECORD_BYTES);
            for (long next = begin; next < end; ) {
                long inRing = next % capacity;
                long count = Math.min(TimelinePart.BLOCK_RECORDS - inRing % TimelinePart.BLOCK_RECORDS, end - next);
                block.clear().limit((int) count * TimelinePart.RECORD_BYTES);
                fill(channel, block, TimelinePart.HEADER_BYTES + inRing * TimelinePart.RECORD_BYTES);
                block.flip();
                while (block.remaining() >= TimelinePart.RECORD_BYTES) {
                    reader.read(next(block, text));
                }
                next += count;
            }
        }
    }

    private static Event next(ByteBuffer block, byte[] text) {
        int kind = block.getInt();
        int detail = block.getInt();
        int thread = block.getInt();
        int bucket = block.getInt();
        long step = block.getLong();
        long begin = block.getLong();
        long end = block.getLong();
        long value = block.getLong();
        block.get(text);
        return new Event(
                kind,
                detail,
                thread,
                bucket,
                step,
                begin,
                end,
                value,
                new String(text, StandardCharsets.US_ASCII).trim());
    }

    /** The parts in a directory, by name. */
    static List<Path> partsIn(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            return new ArrayList<>(files.filter(each -> each.toString().endsWith(".part"))
                    .sorted()
                    .toList());
        }
    }
}
