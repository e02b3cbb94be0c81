package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PeerTest {

    private static final int LANE = 1;
    private static final int BYTES = 256 << 10;
    private static final List<Integer> BOTH = List.of(0, 1);

    @Test
    void acknowledgementsGoFirstThenWhatIsToBeChangedThereThenWhatWasAskedFor() throws Exception {
        List<String> came = new CopyOnWriteArrayList<>();

        Gyre.local(2).run(session -> {
            if (session.world().rank() == 0) {
                askAndAnswer(session);
            } else {
                came.addAll(listen(session.endpoint(LANE)));
            }
        });

        assertThat(came)
                .containsExactly("RESPONSE words", "REQUEST words", "REQUEST data", "RESPONSE words", "RESPONSE data");
    }

    private static void askAndAnswer(Session session) {
        MemoryBudget budget = new MemoryBudget(0, 1, 4L * BYTES);
        ShardTable table = new ShardTable(0, 1, BOTH, null, budget, new PrivateMemory());
        ShardServer server = new ShardServer(table, BOTH, BOTH, Faults.NONE);
        ask(
                server,
                1,
                Request.about(Operation.CREATE, "box").withRange(0, BYTES).withStep(4, 0, 0, 0, 0));
        ask(server, 2, Request.of(Operation.READ, 0).withRange(0, BYTES));
        ServerLink link = new ServerLink(1, 2, true, session.members().get(1));
        Request change = Request.of(Operation.ACCUMULATE, 0).withRange(0, BYTES).numbered(link.nextCall(), 0, 1);
        link.ask(new Call(link, change, Region.allocate("delta", BYTES)), Faults.NONE);

        Peer peer = new Peer(1, session, session.endpoint(LANE), server, link);
        while (server.hasAnswers(1)) {
            peer.turn(Long.MAX_VALUE, Faults.NONE);
        }
    }

    private static void ask(ShardServer server, long call, Request request) {
        ByteBuffer words = request.numbered(call, 0, 0).encode();
        server.onFrame(1, new Frame().set(Frame.Kind.REQUEST, call, 0, Outgoing.WORDS, 0, words.limit()), words, 0);
    }

    /** What came until all that was asked for is there; frames of one sort that follow each other count once. */
    private static List<String> listen(Endpoint endpoint) {
        List<String> sorts = new ArrayList<>();
        long[] answered = {0};
        FrameReceiver.Handler handler = (frame, payload, offset) -> {
            boolean data = frame.chunk() == Outgoing.DATA;
            String sort = frame.kind() + (data ? " data" : " words");
            if (sorts.isEmpty() || !sorts.get(sorts.size() - 1).equals(sort)) {
                sorts.add(sort);
            }
            answered[0] += data && frame.kind() == Frame.Kind.RESPONSE ? frame.length() : 0;
            return true;
        };
        while (answered[0] < BYTES) {
            endpoint.receiver(0).poll(handler, 16);
        }
        return sorts;
    }
}
