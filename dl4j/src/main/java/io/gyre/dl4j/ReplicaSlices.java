package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Checksums of some vectors, a slice in each step: all of them have been looked at after {@link #count} steps.
 * Nothing is allocated as long as the vectors stay where they are.
 */
final class ReplicaSlices {

    /** A slice is not cut smaller than this, which takes some microseconds. */
    static final long LEAST_BYTES = 64 << 10;

    /**
     * Most slices. With fewer a difference is found sooner, and each costs more: {@code docs/training.md} has the
     * figures.
     */
    static final int MOST = 8;

    private final CRC32C crc = new CRC32C();
    private final ByteBuffer[][] pieces;

    /**
     * Cuts the vectors.
     *
     * @param leastBytes of a slice through all of them, unless they are shorter
     */
    ReplicaSlices(List<ReplicaPart> parts, long leastBytes) {
        long bytes =
                parts.stream().mapToLong(part -> part.memory().byteLength()).sum();
        int count = (int) Math.max(1, Math.min(MOST, bytes / leastBytes));
        pieces = new ByteBuffer[count][];
        for (int slice = 0; slice < count; slice++) {
            List<ByteBuffer> ofSlice = new ArrayList<>();
            for (ReplicaPart part : parts) {
                long from = part.elements() * slice / count;
                Region memory = part.slice(from, part.elements() * (slice + 1) / count - from);
                ofSlice.addAll(Checksums.windows(memory));
            }
            pieces[slice] = ofSlice.toArray(ByteBuffer[]::new);
        }
    }

    /** In how many steps each byte has its turn once. */
    int count() {
        return pieces.length;
    }

    /** CRC32C of the slice whose turn it is, in 32 bits. */
    long crc32c(long step) {
        crc.reset();
        for (ByteBuffer piece : pieces[(int) (step % pieces.length)]) {
            crc.update(piece.rewind());
        }
        return crc.getValue();
    }
}
