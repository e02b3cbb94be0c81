package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.ProtocolException;
import io.gyre.World;
import io.gyre.allreduce.Scatter;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The data of {@link Sharding#FROM_ROOT}: rank 0 reads a batch and sends every other rank its rows, which are those of
 * {@link Sharding#EXAMPLES}. All ranks learn of the end of the data, and of a failure to read them, in the same place.
 *
 * <p>A message is complete in itself: nothing of a pass that ends early is left on the way. It is a kind, the
 * fingerprint and mark of what rank 0 has read, and the rows as {@link PackedRows}, or a text.
 *
 * <dl>
 *   <dt>Memory
 *   <dd>Rank 0 packs one batch, and each other rank its rows; besides what {@link LoadAhead} holds on rank 0.
 *   <dt>Threading
 *   <dd>The thread that trains, before each step.
 * </dl>
 */
final class RowsFromRoot implements AutoCloseable {

    private static final String OPERATION = "the rows that rank 0 reads for all";
    private static final int HEADER_BYTES = 3 * Long.BYTES;
    private static final int LONGEST_TEXT = 8 << 10;
    private static final double GROWTH = 1.25;

    private static final long ROWS = 1;
    private static final long NO_ROWS = 2;
    private static final long END = 3;
    private static final long FAILURE = 4;

    private final Session session;
    private final World world;
    private final ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.nativeOrder());
    private @Nullable Scatter scatter;
    private Region packed = Region.allocate(OPERATION, 0);

    RowsFromRoot(Session session) {
        this.session = session;
        world = session.world();
    }

    /**
     * This rank's share of the next batch. All ranks call it together.
     *
     * @param step for checks and errors
     * @param read reads the next batch, or the end, on rank 0; not called on the others
     */
    Share next(long step, Supplier<Share> read) {
        if (world.size() == 1) {
            return read.get();
        }
        return world.isRoot() ? send(step, read) : receive(step);
    }

    /** As {@link #next}, for a pass without steps. */
    Iterator<Share> all(Iterator<Share> read) {
        return new Iterator<>() {
            private long number;
            private @Nullable Share following;

            @Override
            public boolean hasNext() {
                Share share = following;
                if (share == null) {
                    share = RowsFromRoot.this.next(
                            number++,
                            () -> read.hasNext()
                                    ? read.next()
                                    : Share.own(null, false).end());
                    following = share;
                }
                return !share.ended();
            }

            @Override
            public Share next() {
                if (!hasNext() || following == null) {
                    throw new NoSuchElementException();
                }
                Share share = following;
                following = null;
                return share;
            }
        };
    }

    private Share send(long step, Supplier<Share> read) {
        Region[] parts;
        Share own;
        try {
            Share whole = read.get();
            MultiDataSet batch = whole.rows();
            own = batch == null ? whole : ownPart(whole, batch);
            parts = batch == null ? toAll(whole.ended() ? END : NO_ROWS, whole, "") : pack(whole, batch);
        } catch (PeerLostException lost) {
            throw lost;
        } catch (Error failure) {
            tellAll(failure, step);
            throw failure;
        } catch (RuntimeException failure) {
            throw new GyreException(tellAll(failure, step), failure);
        }
        scatter().send(parts, step);
        return own;
    }

    /** Sends what has failed to all ranks, and returns its description. */
    private String tellAll(Throwable failure, long step) {
        String text =
                session.members().get(0) + " could not read the data for all ranks, for step " + step + ": " + failure;
        text = text.substring(0, Math.min(LONGEST_TEXT, text.length()));
        try {
            scatter().send(toAll(FAILURE, Share.own(null, false), text), step);
        } catch (RuntimeException lost) {
            lost.addSuppressed(failure);
            throw lost;
        }
        return text;
    }

    private Share ownPart(Share whole, MultiDataSet batch) {
        Chunk part = Chunk.of(0, world.size(), Rows.count(batch));
        MultiDataSet rows = Rows.slice(batch, 0, part.length());
        return whole.withRows(rows, rows == batch && whole.parts().get(0).borrowed());
    }

    private Region[] pack(Share whole, MultiDataSet batch) {
        long[] ends = new long[world.size()];
        for (int rank = 1; rank < ends.length; rank++) {
            long rows = part(rank, batch).length();
            ends[rank] = ends[rank - 1] + HEADER_BYTES + (rows == 0 ? 0 : PackedRows.length(batch, rows));
        }
        reserve(ends[ends.length - 1]);
        Region[] parts = new Region[ends.length];
        parts[0] = packed.slice(0, 0);
        for (int rank = 1; rank < parts.length; rank++) {
            Region target = packed.slice(ends[rank - 1], ends[rank] - ends[rank - 1]);
            Chunk part = part(rank, batch);
            putHeader(target, part.length() == 0 ? NO_ROWS : ROWS, whole);
            if (part.length() > 0) {
                PackedRows.write(
                        batch,
                        part.offset(),
                        part.offset() + part.length(),
                        target.slice(HEADER_BYTES, target.byteLength() - HEADER_BYTES));
            }
            parts[rank] = target;
        }
        return parts;
    }

    private Chunk part(int rank, MultiDataSet batch) {
        return Chunk.of(rank, world.size(), Rows.count(batch));
    }

    /** The same message for every rank. */
    private Region[] toAll(long kind, Share share, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        reserve(HEADER_BYTES + bytes.length);
        Region message = packed.slice(0, HEADER_BYTES + bytes.length);
        putHeader(message, kind, share);
        message.copyFrom(HEADER_BYTES, ByteBuffer.wrap(bytes), 0, bytes.length);
        Region[] parts = new Region[world.size()];
        Arrays.fill(parts, message);
        return parts;
    }

    private void reserve(long bytes) {
        if (bytes > packed.byteLength()) {
            packed.close();
            packed = Region.allocate(OPERATION, (long) (bytes * GROWTH));
        }
    }

    private void putHeader(Region target, long kind, Share share) {
        header.putLong(0, kind).putLong(Long.BYTES, share.fingerprint()).putLong(2 * Long.BYTES, share.mark());
        target.copyFrom(0, header, 0, HEADER_BYTES);
    }

    private Share receive(long step) {
        Region message = scatter().receive(step);
        message.copyTo(0, header, 0, HEADER_BYTES);
        long kind = header.getLong(0);
        long fingerprint = header.getLong(Long.BYTES);
        long mark = header.getLong(2 * Long.BYTES);
        Region content = message.slice(HEADER_BYTES, message.byteLength() - HEADER_BYTES);
        if (kind == FAILURE) {
            byte[] text = new byte[Math.toIntExact(content.byteLength())];
            content.copyTo(0, ByteBuffer.wrap(text), 0, text.length);
            throw new GyreException(new String(text, StandardCharsets.UTF_8));
        }
        if (kind != ROWS && kind != NO_ROWS && kind != END) {
            throw new ProtocolException(session.members().get(0) + " sent rows of unknown kind " + kind);
        }
        MultiDataSet rows = kind == ROWS ? PackedRows.read(content) : null;
        return new Share(List.of(new Share.Part(rows, false)), kind == END, fingerprint, mark, List.of());
    }

    private Scatter scatter() {
        Scatter known = scatter;
        if (known == null) {
            known = new Scatter(session.endpoint(), OPERATION);
            scatter = known;
        }
        return known;
    }

    /** Frees the memory. A second call does nothing. */
    @Override
    public void close() {
        packed.close();
        if (scatter != null) {
            scatter.close();
        }
    }
}
