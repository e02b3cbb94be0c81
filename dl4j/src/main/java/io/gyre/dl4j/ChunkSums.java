package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.allreduce.BlockObserver;
import io.gyre.allreduce.DirectCollective;
import io.gyre.kernel.FiniteScan;
import io.gyre.kernel.ViewCache;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Adds up the gradients of ranks that share their memory, where each needs the sums of its own chunk only. While a rank
 * reads the others' gradients to add them, it compares them with the checksums that those had kept at the end of their
 * passes; and while it writes sums, it looks for NaN and infinity. Neither reads memory once more.
 *
 * <p>What gradients are outside of this rank's chunk is undefined afterwards.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains.
 *   <dt>Allocation
 *   <dd>None after the first call.
 * </dl>
 */
final class ChunkSums implements BlockObserver {

    private static final int NO_BUCKET = -1;

    private final DirectCollective collective;
    private final World world;
    private final Region gradients;
    private final ElementType type;
    private final Region kept;
    private final ByteBuffer[][] chunks;
    private final CRC32C crc = new CRC32C();
    private final CRC32C[] read;
    private final boolean[] changed;
    private final FiniteScan scan = new FiniteScan();
    private final ViewCache<ByteBuffer> views = new ViewCache<>(UnaryOperator.identity());

    private ChunkSums(DirectCollective collective, Region gradients, ElementType type, Region kept) {
        this.collective = collective;
        this.gradients = gradients;
        this.type = type;
        this.kept = kept;
        world = collective.world();
        chunks = new ByteBuffer[world.size()][];
        read = new CRC32C[world.size()];
        changed = new boolean[world.size()];
        for (int rank = 0; rank < chunks.length; rank++) {
            Chunk chunk = chunkOf(rank);
            Region part = gradients.slice(chunk.offset() * type.bytes(), chunk.length() * type.bytes());
            chunks[rank] = Checksums.windows(part).toArray(ByteBuffer[]::new);
            read[rank] = new CRC32C();
        }
    }

    /**
     * Creates the sums of one rank. All of them call it together.
     *
     * @param collective of all ranks in step
     * @param gradients in which they {@linkplain DirectCollective#reducesInPlace reduce in place}
     * @param opened closes what is allocated
     * @return null, on all ranks, if there is no room for checksums
     */
    static @Nullable ChunkSums create(DirectCollective collective, Region gradients, ElementType type, Opened opened) {
        int ranks = collective.world().size();
        MemoryBox box = collective.allocateOnce("checksums", (long) Long.BYTES * ranks * ranks);
        if (box == null) {
            return null;
        }
        opened.onClose(box::close);
        return new ChunkSums(collective, gradients, type, box.region());
    }

    /** Whether they are of the gradients that a replica has now. */
    @SuppressWarnings("ReferenceEquality") // Gradients that have moved are another region.
    boolean areOf(Region present) {
        return gradients == present;
    }

    private Chunk chunkOf(int rank) {
        return Chunk.of(rank, world.size(), gradients.byteLength() / type.bytes());
    }

    /** Adds up. All ranks call it together, when their gradients are complete. */
    void run(long step) {
        for (int rank = 0; rank < chunks.length; rank++) {
            kept.window(0).putLong(at(world.rank(), rank), checksum(chunks[rank]));
            read[rank].reset();
        }
        scan.clear();
        collective.reduceScatter(gradients, type, ReduceOp.SUM, step, NO_BUCKET, this);
        for (int rank = 0; rank < read.length; rank++) {
            changed[rank] = read[rank].getValue() != kept.window(0).getLong(at(rank, world.rank()));
        }
    }

    private long checksum(ByteBuffer[] pieces) {
        crc.reset();
        for (ByteBuffer piece : pieces) {
            crc.update(piece.rewind());
        }
        return crc.getValue();
    }

    /** Where a rank keeps the checksum of a chunk of its gradients. */
    private int at(int rank, int chunk) {
        return kept.windowOffset((long) Long.BYTES * (rank * world.size() + chunk));
    }

    @Override
    public void read(int rank, ByteBuffer memory, int offset, int byteLength) {
        read[rank].update(views.of(memory, 0).limit(offset + byteLength).position(offset));
    }

    @Override
    public void reduced(ByteBuffer memory, int offset, int byteLength) {
        scan.add(type, memory, offset, byteLength);
    }

    /** Whether the sums of this rank's chunk hold no NaN and no infinity. */
    boolean areFinite() {
        return scan.isFinite();
    }

    /** Whether all that this rank has added in this step was as its rank had left it. */
    boolean areWhole() {
        for (boolean each : changed) {
            if (each) {
                return false;
            }
        }
        return true;
    }

    /** The gradients that were not. */
    List<ChangedGradients> changes(ModelLayout layout) {
        List<ChangedGradients> changes = new ArrayList<>();
        Chunk own = chunkOf(world.rank());
        for (int rank = 0; rank < changed.length; rank++) {
            if (changed[rank]) {
                changes.add(ChangedGradients.between(rank, layout, own.offset(), own.length()));
            }
        }
        return changes;
    }
}
