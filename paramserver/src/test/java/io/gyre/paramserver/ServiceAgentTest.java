package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.PeerLostException;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.network.Backoff;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The agent's turns, taken by the test itself. */
@Timeout(60)
class ServiceAgentTest {

    private static final int LANE = 1;
    private static final long NEVER = Long.MAX_VALUE;

    /** Enough for several looks at the peers. */
    private static final int TURNS = 300;

    private static final BufferSpec SPEC = new BufferSpec("box", ElementType.FLOAT32, 10, false);

    private static ServiceAgent agent(
            Session session, List<Peer> peers, @Nullable ShardServer server, boolean onlyServes) {
        BoxAllocator allocator = new BoxAllocator(session, session.endpoint(LANE));
        return new ServiceAgent(
                session,
                session.endpoint(LANE),
                peers,
                Stream.ofNullable(server).toList(),
                onlyServes,
                allocator,
                NEVER,
                Faults.NONE);
    }

    private static ShardServer server(int client) {
        MemoryBudget budget = new MemoryBudget(0, 1, 1 << 20);
        ShardTable table = new ShardTable(0, 1, List.of(), null, budget, new PrivateMemory());
        return new ShardServer(table, List.of(), List.of(client), Faults.NONE);
    }

    private static ServerLink link(Session session, int rank) {
        return new ServerLink(0, 1, true, session.members().get(rank), System::nanoTime);
    }

    @Test
    void aRankThatServesItselfGetsItsReplyWithinTurns() throws Exception {
        Gyre.local(1).run(session -> {
            ShardServer server = server(0);
            ServerLink link = link(session, 0);
            Peer self = new Peer(0, session, session.endpoint(LANE), List.of(new PeerShard(0, server, link, null)));
            ServiceAgent agent = agent(session, List.of(self), server, false);
            Call<Reply.Opened> call = new Call<>(link, link.nextCall(), new Request.Create(SPEC, 0), null);

            agent.ask(call);
            assertThat(link.isBusy()).as("carried before a turn").isFalse();
            while (!call.isFinished()) {
                agent.doWork();
            }

            assertThat(call.reply(0).buffer()).isZero();
            assertThat(link.isBusy()).isFalse();
        });
    }

    @Test
    void tasksRunInTheNextTurnInTheirOrder() throws Exception {
        Gyre.local(1).run(session -> {
            ServiceAgent agent = agent(session, List.of(), null, false);
            List<String> ran = new ArrayList<>();
            agent.execute(() -> ran.add("first"));
            agent.execute(() -> ran.add("second"));
            assertThat(ran).isEmpty();

            assertThat(agent.doWork()).isZero();

            assertThat(ran).containsExactly("first", "second");
        });
    }

    @Test
    void onlyARankThatMakesNoCallsIsDoneWhenItsClientsAre() throws Exception {
        Gyre.local(1).run(session -> {
            ShardServer server = server(0);
            ServiceAgent serving = agent(session, List.of(), server, true);
            ServiceAgent working = agent(session, List.of(), server, false);
            assertThat(serving.isDone()).isFalse();

            server.forget(0);

            assertThat(serving.isDone()).isTrue();
            assertThat(working.isDone()).isFalse();
        });
    }

    /** Lets rank 1 leave, and rank 0 take turns, with or without a call to rank 1 that is open. */
    private static void leaveAServer(boolean calling) throws Exception {
        Gyre.local(2).run(session -> {
            session.beExpendable();
            session.exchange("both are expendable", new byte[0]);
            if (session.world().rank() == 1) {
                return;
            }
            while (!session.hasEnded(1)) {
                Thread.onSpinWait();
            }
            ServerLink link = link(session, 1);
            Peer peer = new Peer(1, session, session.endpoint(LANE), List.of(new PeerShard(0, null, link, null)));
            ServiceAgent agent = agent(session, List.of(peer), null, false);
            if (calling) {
                agent.ask(new Call<>(link, link.nextCall(), new Request.Create(SPEC, 0), null));
            }
            for (int turn = 0; turn < TURNS; turn++) {
                agent.idle(agent.doWork());
            }
        });
    }

    @Test
    void aServerThatLeavesBeforeItsReplyIsAnError() {
        assertThatThrownBy(() -> leaveAServer(true))
                .hasCauseInstanceOf(PeerLostException.class)
                .hasMessageContainingAll("rank 1", "it has left the run", "the parameter service");
    }

    @Test
    void aServerThatOwesNothingMayLeave() throws Exception {
        leaveAServer(false);
    }

    @Test
    void aServiceMayHaveNothingToDoForLongerThanThePeerTimeout() throws Exception {
        Duration timeout = Duration.ofSeconds(1);
        AtomicLong now = new AtomicLong();
        Backoff backoff = new Backoff(1, Duration.ofMillis(100), false, now::addAndGet);
        LocalCluster.Network network = LocalCluster.Network.inProcess(now::get, () -> backoff);
        try (Session session = network.open(1, timeout).join(0)) {
            ServiceAgent agent = agent(session, List.of(), null, false);
            for (int turn = 0; turn < TURNS; turn++) {
                agent.idle(agent.doWork());
            }
            assertThat(now.get()).isGreaterThan(10 * timeout.toNanos());
        }
    }

    @Test
    void theEndReleasesTheBoxesOfTheShards() throws Exception {
        Gyre.local(2).run(session -> {
            if (session.world().rank() == 0) {
                BoxAllocator allocator = new BoxAllocator(session, session.endpoint(LANE));
                ServiceAgent agent = new ServiceAgent(
                        session, session.endpoint(LANE), List.of(), List.of(), false, allocator, NEVER, Faults.NONE);
                StripedMemory memory = allocator.allocate("a shard", 100, true);
                assertThat(memory.box()).isNotEmpty();

                agent.onClose();
                agent.onClose();
            }
        });
    }
}
