package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.session.Session;
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
        AskedServer asked = new AskedServer(server);
        asked.send(1, new Request.Create(new BufferSpec("box", ElementType.FLOAT32, BYTES / 4, false), 0));
        asked.send(1, new Request.Read(0));
        ServerLink link = new ServerLink(1, 2, true, session.members().get(1), System::nanoTime);
        Request<Reply.Applied> change = new Request.Accumulate(0, new ChangeId(0, 1));
        link.ask(new Call<>(link, link.nextCall(), change, Region.allocate("delta", BYTES)), Faults.NONE);

        Peer peer = new Peer(1, session, session.endpoint(LANE), List.of(new PeerShard(0, server, link, null)));
        while (server.clients().get(1).hasReplies()) {
            peer.turn(Long.MAX_VALUE, Faults.NONE);
        }
    }

    /** The frames received until all replies are complete; consecutive frames of one kind count once. */
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
