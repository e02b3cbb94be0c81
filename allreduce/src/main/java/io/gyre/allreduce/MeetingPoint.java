package io.gyre.allreduce;

import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.network.Activity;
import io.gyre.network.Backoff;
import io.gyre.network.Endpoint;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the ranks of one host meet in shared memory. Operations are numbered from 1. A rank <em>begins</em> an
 * operation when its data may be accessed, and <em>finishes</em> it when it no longer accesses the data of others. With
 * the number, it publishes a description of the operation, so that ranks which call different operations fail before
 * they touch any data, and a slot of 16 KiB, which holds all the data of a short operation.
 *
 * <p><b>State.</b> Each rank has a box that only this rank writes, and that all others read: two blocks, for odd and
 * for even operations, of a number B, a description and a slot; and the number F of the last operation that the rank
 * has finished. All is 0 at first. A rank calls, for k = 1, 2, …, {@code begin}, {@code awaitBegun} and, if the
 * operation accesses data outside the slots, {@code finish}, on one thread:
 *
 * <ul>
 *   <li>{@code begin}: write slot and description of block k mod 2, then B = k with release semantics.
 *   <li>{@code awaitBegun}: read B in block k mod 2 of each peer with acquire semantics until it is k or more; compare
 *       the descriptions.
 *   <li>{@code finish}: write F = k with release semantics; read F of each peer with acquire semantics until it is k or
 *       more.
 * </ul>
 *
 * <p><b>Invariants</b>, and why they hold:
 *
 * <ol>
 *   <li><em>What a rank wrote before it began k is seen by every rank that has returned from {@code awaitBegun} of
 *       k.</em> The write of B releases it, and the read of B acquires it. This covers slot, description, and the
 *       rank's data.
 *   <li><em>No block is overwritten while a peer may read it.</em> A rank writes block k mod 2 again in operation k +
 *       2, after it has seen every peer begin k + 1. A peer begins k + 1 after its last read for k: its release of B =
 *       k + 1 comes later, and so the reads happen before the write. Hence two blocks are enough, and one is not.
 *   <li><em>A rank that waits for B of k reads k or an older number.</em> By 2, the peer cannot have written k + 2. So
 *       the descriptions compared are both those of k.
 *   <li><em>When {@code finish} of k returns, no peer accesses this rank's data for k, and all that peers wrote to them
 *       is seen.</em> Each peer writes F after its last access, with release. F may skip numbers, because short
 *       operations do not write it, and a peer may already be in a later operation: hence "or more".
 *   <li><em>Ranks do not wait for each other in a cycle.</em> A rank in operation k waits only for peers to begin or
 *       finish k, which need nothing of this rank but what it has already published.
 * </ol>
 *
 * <p>Numbers have 64 bits, aligned, and are written as a whole. {@code MeetingPointStress} tests 1 to 4.
 *
 * <dl>
 *   <dt>Layout
 *   <dd>Fields written by different ranks, or at different times, are 128 bytes apart, because processors fetch cache
 *       lines in pairs. The number of an operation, its description and the first bytes of its data are adjacent, and
 *       so are fetched together.
 *   <dt>Waiting
 *   <dd>Spins if there is a core for each rank, then yields, then waits with the endpoint, which knows who is lost.
 * </dl>
 */
final class MeetingPoint implements AutoCloseable {

    /** Capacity for the data of an operation. */
    static final int SLOT_BYTES = 16 << 10;

    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private static final int PAIR_OF_LINES = 128;

    private static final int NUMBER = 0;
    private static final int CALL = 8;
    private static final int STEP = 16;
    private static final int BUCKET = 24;
    private static final int BYTES = 32;
    private static final int PLACE = 40;
    private static final int DATA = 64;
    private static final int BLOCK_BYTES = DATA + SLOT_BYTES + PAIR_OF_LINES;
    private static final int FINISHED = 2 * BLOCK_BYTES;
    private static final int BOX_BYTES = FINISHED + PAIR_OF_LINES;

    private static final int SPINS = 1_000;
    private static final int SPINS_WITHOUT_CORE = 5;

    /**
     * With fewer, ranks that outnumber the cores sleep too soon: with 200, 64 KB among four ranks on two cores took 70
     * us, not 50.
     */
    static final int YIELDS = 1_000;

    /** The operations that ranks compare. */
    enum Call {
        SHORT_ALL_REDUCE,
        ALL_REDUCE,
        REDUCE_SCATTER,
        ALL_GATHER,
        BROADCAST,
        BARRIER
    }

    private final Endpoint endpoint;
    private final World world;
    private final MemoryBoxes shared;
    private final MemoryBox[] boxes;
    private final ByteBuffer[] memory;
    private final int spins;
    private final BooleanSupplier yieldTakesLong;
    private final Activity activity = new Activity();
    private long number;

    /** Maps the memory of all ranks, which must call it together. */
    MeetingPoint(Endpoint endpoint) {
        this(endpoint, Backoff::yieldTakesLong);
    }

    /**
     * As above, with another way to yield, for tests.
     *
     * @param yieldTakesLong as {@link Backoff#yieldTakesLong}
     */
    MeetingPoint(Endpoint endpoint, BooleanSupplier yieldTakesLong) {
        this.endpoint = endpoint;
        this.yieldTakesLong = yieldTakesLong;
        world = endpoint.world();
        spins = world.size() <= Runtime.getRuntime().availableProcessors() ? SPINS : SPINS_WITHOUT_CORE;
        shared = endpoint.boxes();
        String name = shared.newName("meeting point");
        boxes = MappedVector.attachAll(shared.create(name, BOX_BYTES), name, shared, world);
        memory = new ByteBuffer[world.size()];
        for (int rank = 0; rank < memory.length; rank++) {
            memory[rank] = boxes[rank].region().window(0);
        }
    }

    /** Keeps the memory from being unmapped. Pair it with {@link #exit}. */
    void enter() {
        for (int rank = 0; rank < boxes.length; rank++) {
            boxes[rank].region().enter("a collective");
        }
    }

    void exit() {
        for (int rank = 0; rank < boxes.length; rank++) {
            boxes[rank].region().exit();
        }
    }

    /**
     * Starts the timeout of an operation, which may take several meetings.
     *
     * @param name used in errors
     */
    void start(String name, long step, int bucket) {
        activity.begin(name, step, bucket, 0);
    }

    /** This rank's slot for the data of the next operation, to be filled before {@link #begin}. */
    ByteBuffer slot() {
        return memory[world.rank()];
    }

    /** Offset of the data in {@link #slot}. */
    int nextSlotOffset() {
        return block(number + 1) + DATA;
    }

    /** Offset of the current operation's data in {@link #slot(int)}. */
    int slotOffset() {
        return block(number) + DATA;
    }

    /** The data that a rank has published for the current operation. */
    ByteBuffer slot(int rank) {
        return memory[rank];
    }

    private static int block(long number) {
        return (int) (number & 1) * BLOCK_BYTES;
    }

    /**
     * Announces that this rank's data may be read.
     *
     * @param type null if it is irrelevant
     * @param op null if it is irrelevant
     * @param bytes length of the vector
     * @param vector number of the shared vector; 0 if there is none
     * @param place where the data begin in that vector, or which part of the caller's vector this is
     */
    void begin(Call call, @Nullable ElementType type, @Nullable ReduceOp op, long bytes, int vector, long place) {
        number++;
        ByteBuffer own = memory[world.rank()];
        int at = block(number);
        own.putLong(at + CALL, code(call, type, op, vector));
        own.putLong(at + STEP, activity.step());
        own.putLong(at + BUCKET, activity.bucket());
        own.putLong(at + BYTES, bytes);
        own.putLong(at + PLACE, place);
        LONG.setRelease(own, at + NUMBER, number);
    }

    @SuppressWarnings("EnumOrdinal") // Ordinals are equal on all ranks: joining compares their versions.
    private static long code(Call call, @Nullable ElementType type, @Nullable ReduceOp op, int vector) {
        return call.ordinal()
                | (type == null ? 0L : type.ordinal() + 1L) << 8
                | (op == null ? 0L : op.ordinal() + 1L) << 16
                | (long) vector << 32;
    }

    /** Waits until all have begun, and fails unless all have begun the same operation. */
    void awaitBegun() {
        int at = block(number);
        for (int peer = 0; peer < memory.length; peer++) {
            if (peer != world.rank()) {
                await(peer, at + NUMBER);
                checkSame(peer, at);
            }
        }
    }

    private void checkSame(int peer, int at) {
        ByteBuffer own = memory[world.rank()];
        ByteBuffer other = memory[peer];
        if (own.getLong(at + CALL) != other.getLong(at + CALL)
                || own.getLong(at + STEP) != other.getLong(at + STEP)
                || own.getLong(at + BUCKET) != other.getLong(at + BUCKET)
                || own.getLong(at + BYTES) != other.getLong(at + BYTES)
                || own.getLong(at + PLACE) != other.getLong(at + PLACE)) {
            throw new DisagreementException("ranks call different operations: " + endpoint.member(world.rank()) + " "
                    + describe(own, at) + ", " + endpoint.member(peer) + " " + describe(other, at)
                    + ". All ranks must call the same collectives in the same order with the same sizes.");
        }
    }

    @SuppressWarnings("EnumOrdinal") // As above.
    private static String describe(ByteBuffer memory, int at) {
        long code = memory.getLong(at + CALL);
        int type = (int) (code >> 8) & 0xff;
        int op = (int) (code >> 16) & 0xff;
        return Call.values()[(int) code & 0xff]
                + (op == 0 ? "" : " " + ReduceOp.values()[op - 1])
                + (type == 0 ? "" : " of " + ElementType.values()[type - 1])
                + " on a vector of " + memory.getLong(at + BYTES) + " bytes, place " + memory.getLong(at + PLACE)
                + " of shared vector " + (code >>> 32)
                + ", step " + memory.getLong(at + STEP) + ", bucket " + memory.getLong(at + BUCKET);
    }

    /** Announces that this rank no longer touches the others' data, and waits until all have done so. */
    void finish() {
        LONG.setRelease(memory[world.rank()], FINISHED, number);
        for (int peer = 0; peer < memory.length; peer++) {
            if (peer != world.rank()) {
                await(peer, FINISHED);
            }
        }
    }

    /** Counts bytes that this rank has read from or written to the others' memory. */
    void moved(long bytes) {
        shared.moved(bytes);
    }

    private void await(int peer, int at) {
        ByteBuffer theirs = memory[peer];
        for (int turn = 0; (long) LONG.getAcquire(theirs, at) < number; turn++) {
            if (turn < spins) {
                Thread.onSpinWait();
            } else if (turn >= spins + YIELDS || yieldTakesLong.getAsBoolean()) {
                awaitLong(peer, at);
                return;
            }
        }
    }

    private void awaitLong(int peer, int at) {
        activity.waitingFor(endpoint.member(peer), 0);
        while ((long) LONG.getAcquire(memory[peer], at) < number) {
            endpoint.await(0, activity);
        }
        endpoint.await(1, activity);
    }

    @Override
    public void close() {
        for (MemoryBox box : boxes) {
            box.close();
        }
    }
}
