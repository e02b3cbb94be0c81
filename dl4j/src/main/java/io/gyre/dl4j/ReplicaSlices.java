package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Checksums of vectors, one slice per step: {@link #count} steps cover all of them. Allocates nothing as long as the
 * vectors stay in place.
 */
final class ReplicaSlices {

    /** Minimum size of a slice, whose checksum takes some microseconds. */
    static final long LEAST_BYTES = 64 << 10;

    /**
     * Maximum number of slices. With fewer, a difference is found sooner, and each slice costs more:
     * {@code docs/replica-checks.md} has the figures.
     */
    static final int MOST = 8;

    private final CRC32C crc = new CRC32C();
    private final ByteBuffer[][] pieces;

    /**
     * Divides the vectors into slices.
     *
     * @param leastBytes minimum size of a slice over all vectors, unless they are shorter
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

    /** Number of steps that cover every byte once. */
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
