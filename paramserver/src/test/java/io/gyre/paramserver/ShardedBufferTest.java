package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.kernel.ArrayKernels;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A buffer on two servers: the first one's shard is mapped, the second one's is not. */
@Timeout(60)
class ShardedBufferTest {

    private static final int ELEMENTS = 1_000;
    private static final BufferSpec SPEC = new BufferSpec("box", ElementType.FLOAT32, ELEMENTS, false);

    private final ShardPlan plan = new ShardPlan(ELEMENTS, 2);
    private final List<String> asked = new ArrayList<>();

    /** Both servers, and the thread that carries the requests. */
    private final class Servers extends TaskAgent {
        private final List<AskedServer> servers = new ArrayList<>();

        Servers(Session session) {
            servers.add(server(0, new SharedMemory(session)));
            servers.add(server(1, new PrivateMemory()));
        }

        private AskedServer server(int index, ShardTable.Allocator allocator) {
            MemoryBudget budget = new MemoryBudget(index, 2, 1 << 20);
            ShardTable table = new ShardTable(index, 2, List.of(), null, budget, allocator);
            return new AskedServer(new ShardServer(table, List.of(), List.of(0), Faults.NONE));
        }

        @Override
        public void ask(Call<?> call) {
            execute(() -> answer(call));
        }

        private void answer(Call<?> call) {
            asked.add(call.request().inWords() + " " + call.server().index());
            AskedServer server = servers.get(call.server().index());
            Region sends = call.sends();
            if (sends == null) {
                server.send(0, call.request());
            } else {
                server.sendData(server.announce(0, call.request(), sends.byteLength()), 0, sends);
            }
            AskedServer.Replies replies = server.receive(0);
            Region receives = call.receives();
            if (receives != null) {
                Vectors.copy(receives, replies.data);
            }
            call.finish(replies.last());
        }
    }

    /** Memory in boxes of this rank, which its client attaches. */
    private static final class SharedMemory implements ShardTable.Allocator, StripeLocks.Guard {
        private final Session session;

        SharedMemory(Session session) {
            this.session = session;
        }

        @Override
        public StripedMemory allocate(String purpose, long bytes, boolean shared) {
            String name = session.endpoint().boxes().newName("shard");
            MemoryBox box = session.endpoint().boxes().create(name, StripedMemory.wholeBytes(bytes));
            return new StripedMemory(box.region(), bytes, name, 0, this);
        }

        @Override
        public boolean isNear(int rank) {
            return true;
        }

        @Override
        public void free(StripedMemory memory) {}

        @Override
        public void pause() {}

        @Override
        public boolean hasEnded(int rank) {
            return false;
        }
    }

    @FunctionalInterface
    private interface Use {
        void of(Caller caller, ShardMapper mapper);
    }

    private void run(Use use) throws InterruptedException {
        LocalCluster alone = Gyre.local(1);
        alone.run(session -> {
            List<ServerLink> links = List.of(
                    new ServerLink(0, 2, true, session.members().get(0), System::nanoTime),
                    new ServerLink(1, 2, true, session.members().get(0), System::nanoTime));
            try (ServiceThread thread = new ServiceThread(session, links, new Servers(session))) {
                thread.start();
                Caller caller =
                        new Caller(session, links, thread, Duration.ofSeconds(30), System::nanoTime, List.of(0));
                use.of(caller, new ShardMapper(session, thread));
            }
        });
    }

    private static Region counting() {
        Region region = Region.allocate("counting", SPEC.byteLength());
        for (int i = 0; i < ELEMENTS; i++) {
            region.putFloat(4L * i, i);
        }
        return region;
    }

    @Test
    void itKnowsWhichShardsAreMapped() throws Exception {
        run((caller, mapper) -> {
            ShardedBuffer buffer = ShardedBuffer.open(caller, mapper, SPEC, Request.Create::new);

            assertThat(asked).containsExactly("create of buffer 'box' 0", "create of buffer 'box' 1");
            assertThat(buffer.spec()).isEqualTo(SPEC);
            assertThat(buffer.mapped()).containsExactly(buffer.shards().get(0));
            assertThat(buffer.remote()).containsExactly(buffer.shards().get(1));
        });
    }

    @Test
    void theWholeIsWrittenAndReadAndOnlyServersOfRemoteShardsAreAsked() throws Exception {
        run((caller, mapper) -> {
            ShardedBuffer buffer = ShardedBuffer.open(caller, mapper, SPEC, Request.Create::new);
            asked.clear();
            Region values = counting();
            assertThat(buffer.write(values)).isEqualTo(1);
            Region read = Region.allocate("read", SPEC.byteLength());
            assertThat(buffer.read(read)).isEqualTo(1);

            for (int i = 0; i < ELEMENTS; i++) {
                assertThat(read.getFloat(4L * i)).isEqualTo(i);
            }
            assertThat(asked).containsExactly("write 1", "read 1");
        });
    }

    @Test
    void itsVersionIsThatOfTheOldestShard() throws Exception {
        run((caller, mapper) -> {
            ShardedBuffer buffer = ShardedBuffer.open(caller, mapper, SPEC, Request.Create::new);
            Region values = counting();
            buffer.mapped().get(0).accumulateMapped(values, new ArrayKernels());
            assertThat(buffer.read(values)).isZero();
            caller.await(buffer.remote().get(0).accumulate(values));
            assertThat(buffer.read(values)).isEqualTo(1);
            assertThat(buffer.askAll(shard -> shard.awaitVersion(1)))
                    .containsExactly(new Reply.Reached(1), new Reply.Reached(1));
        });
    }

    @Test
    void shardsAreTheOnesOfThePlan() throws Exception {
        run((caller, mapper) -> {
            ShardedBuffer buffer = ShardedBuffer.open(caller, mapper, SPEC, Request.Create::new);
            Region values = counting();
            for (int shard = 0; shard < 2; shard++) {
                Region part = buffer.shards().get(shard).part(values);
                assertThat(part.byteLength()).isEqualTo(4 * plan.length(shard));
                assertThat(part.getFloat(0)).isEqualTo((float) plan.offset(shard));
            }
        });
    }

    @Test
    void aRegionOfAnotherLengthAndAFreedBufferAreErrors() throws Exception {
        run((caller, mapper) -> {
            ShardedBuffer buffer = ShardedBuffer.open(caller, mapper, SPEC, Request.Create::new);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> buffer.read(Region.allocate("short", 8)))
                    .withMessageContainingAll("'short'", "'box'", "4000 bytes");

            buffer.askAll(ShardHandle::free);

            assertThatThrownBy(() -> buffer.write(counting()))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll("it was freed");
        });
    }

    @Test
    void aRefusalOfOneServerFailsTheOpening() throws Exception {
        run((caller, mapper) -> assertThatThrownBy(() -> ShardedBuffer.open(caller, mapper, SPEC, Request.Attach::new))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("attach of buffer 'box'", "shard 0 of 2", "create it first"));
    }
}
