package io.gyre.paramserver;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.ProtocolException;
import io.gyre.kernel.GradientCodecs;
import io.gyre.network.Frame;
import io.gyre.testkit.ParserContract;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What a client sends, in any order: a server rejects it, or drops the link. Pieces of a rank (1 byte), a call (1),
 * whether words or data follow (1), length of the whole data (2), length of this piece (1), the piece.
 */
class ShardServerFuzzTest {

    private static final int RANKS = 3;
    private static final long MEMORY_BYTES = 1 << 20;

    @FuzzTest
    void frames(byte[] bytes) {
        ParserContract.parse(
                MEMORY_BYTES + bytes.length,
                () -> {
                    serve(ByteBuffer.wrap(bytes));
                    return true;
                },
                ProtocolException.class);
    }

    private static void serve(ByteBuffer in) {
        MemoryBudget budget = new MemoryBudget(0, 1, MEMORY_BYTES);
        Training training = new Training(new StaleSynchronous(1), new GradientDescent(1))
                .compress(GradientCodecs.of("threshold:0.5"));
        ShardTable table = new ShardTable(0, 1, List.of(0, 1), training, budget, new PrivateMemory());
        ShardServer server = new ShardServer(table, List.of(0, 1), List.of(0, 1, 2), Faults.NONE);
        Frame frame = new Frame();
        while (in.remaining() >= 6) {
            int rank = Math.floorMod(in.get(), RANKS);
            long call = in.get();
            int kind = in.get() >= 0 ? Outgoing.WORDS : Outgoing.DATA;
            long dataBytes = in.getShort();
            int length = Math.min(in.get() & 0xff, in.remaining());
            frame.set(Frame.Kind.REQUEST, call, 0, kind, dataBytes, length);
            server.onFrame(rank, frame, in, in.position());
            in.position(in.position() + length);
            server.answerWaiting();
            server.clients().get(rank).advance(new AskedServer.Replies(), true);
        }
    }
}
