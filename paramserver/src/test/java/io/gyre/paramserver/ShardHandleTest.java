package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.kernel.ArrayKernels;
import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Shard 1 of 2 of a buffer, mapped or not. */
@Timeout(60)
class ShardHandleTest {

    private static final int ELEMENTS = 1_000;
    private static final int NUMBER = 7;
    private static final long LAST_CHANGE = 41;
    private static final BufferSpec SPEC = new BufferSpec("box", ElementType.FLOAT32, ELEMENTS, false);
    private static final ShardPlan PLAN = new ShardPlan(ELEMENTS, 2);
    private static final long OFFSET = 4 * PLAN.offset(1);
    private static final long BYTES = 4 * PLAN.length(1);
    private static final GradientOrigin ORIGIN = new GradientOrigin(3, 2, 1, 32, 0);

    private final AnsweringAgent agent = new AnsweringAgent(request -> null);

    @FunctionalInterface
    private interface Use {
        void of(ShardHandle shard, Session session) throws Exception;
    }

    /** Opens the shard with that reply. */
    private void open(Session session, String shardBox, String pushBox, Use use) throws Exception {
        List<ServerLink> links = List.of(link(session, 0), link(session, 1));
        try (ServiceThread thread = new ServiceThread(session, links, agent)) {
            thread.start();
            Caller caller = new Caller(session, links, thread, Duration.ofSeconds(30), System::nanoTime, List.of(0));
            Reply.Opened opened = new Reply.Opened(NUMBER, 0, LAST_CHANGE, shardBox, pushBox);
            use.of(
                    new ShardHandle(caller, links.get(1), SPEC, PLAN, opened, new ShardMapper(session, thread)),
                    session);
            caller.await(caller.begin(() -> {}), "the calls before");
        }
    }

    private static ServerLink link(Session session, int index) {
        return new ServerLink(index, 2, true, session.members().get(0), System::nanoTime);
    }

    private void unmapped(Use use) throws Exception {
        Gyre.local(1).run(session -> open(session, "", "", use));
    }

    private void mapped(Use use) throws Exception {
        Gyre.local(1).run(session -> {
            create(session, "shard");
            create(session, "push");
            open(session, "shard", "push", use);
        });
    }

    private static void create(Session session, String box) {
        session.endpoint().boxes().create(box, StripedMemory.wholeBytes(BYTES));
    }

    /** The memory of a box, as its server sees it. */
    private static StripedMemory asServer(Session session, String box) {
        MemoryBox attached = session.endpoint().boxes().attach(0, box, StripedMemory.wholeBytes(BYTES));
        return new StripedMemory(attached.region(), BYTES, box, 0, new PrivateMemory());
    }

    private static Region counting() {
        Region region = Region.allocate("counting", SPEC.byteLength());
        for (int i = 0; i < ELEMENTS; i++) {
            region.putFloat(4L * i, i);
        }
        return region;
    }

    @Test
    void itsRequestsCarryTheBuffersNumberAndItsPartOfTheVector() throws Exception {
        unmapped((shard, session) -> {
            Call<Reply.Applied> write = shard.write(counting());
            Region sent = write.sends();
            assertThat(sent.byteLength()).isEqualTo(BYTES);
            assertThat(sent.getFloat(0)).isEqualTo(OFFSET / 4f);

            Region target = counting();
            Region receives = shard.read(target).receives();
            receives.putFloat(0, -1);
            assertThat(target.getFloat(OFFSET)).isEqualTo(-1);
            shard.awaitVersion(5);
            shard.free();
        });
        assertThat(agent.requests())
                .containsExactly(
                        new Request.Write(NUMBER, new ChangeId(0, LAST_CHANGE + 1)),
                        new Request.Read(NUMBER),
                        new Request.AwaitVersion(NUMBER, 5),
                        new Request.Free(NUMBER));
        assertThat(agent.asked).extracting(call -> call.server().index()).containsOnly(1);
    }

    @Test
    void changesAreNumberedFromTheLastThatTheServerKnows() throws Exception {
        unmapped((shard, session) -> {
            shard.write(counting());
            shard.accumulate(counting());
            shard.fetchAndAdd(9);
            shard.push(counting(), counting(), ORIGIN);
        });
        assertThat(agent.requests())
                .containsExactly(
                        new Request.Write(NUMBER, new ChangeId(0, LAST_CHANGE + 1)),
                        new Request.Accumulate(NUMBER, new ChangeId(0, LAST_CHANGE + 2)),
                        new Request.FetchAndAdd(NUMBER, new ChangeId(0, LAST_CHANGE + 3), 9),
                        new Request.SentPush(NUMBER, new ChangeId(0, LAST_CHANGE + 4), ORIGIN));
    }

    @Test
    void anEncodedPushHoldsItsPartOfTheGradient() throws Exception {
        unmapped((shard, session) -> {
            PushCodec worker = PushCodecTest.codec("randomk:0.5");
            Region place = Region.allocate("place", worker.mostBytes(shard.elements()));

            Call<Reply.Applied> push = shard.push(counting(), worker, place, ORIGIN);

            Region decoded = Region.allocate("decoded", BYTES);
            PushCodecTest.codec("randomk:0.5").decode(push.sends(), PLAN.offset(1), ORIGIN.step(), decoded);
            int sent = 0;
            for (int i = 0; i < PLAN.length(1); i++) {
                if (decoded.getFloat(4L * i) != 0) {
                    assertThat(decoded.getFloat(4L * i)).isEqualTo((float) PLAN.offset(1) + i);
                    sent++;
                }
            }
            assertThat(sent).isEqualTo((int) Math.round(PLAN.length(1) * 0.5));
            assertThat(push.request())
                    .isEqualTo(new Request.EncodedPush(NUMBER, new ChangeId(0, LAST_CHANGE + 1), ORIGIN));
        });
    }

    @Test
    void aPushSendsACopyOfTheGradient() throws Exception {
        unmapped((shard, session) -> {
            Region gradient = counting();
            Region copy = Region.allocate("copy", SPEC.byteLength());
            Region sent = shard.push(gradient, copy, ORIGIN).sends();
            gradient.clear();

            assertThat(sent.getFloat(BYTES - 4)).isEqualTo(ELEMENTS - 1);
            assertThat(copy.getFloat(OFFSET)).isEqualTo(OFFSET / 4f);
            assertThat(copy.getFloat(OFFSET - 4)).as("another shard's part").isZero();
        });
    }

    @Test
    void aPullOfAShardThatIsNotMappedHasTheParametersSent() throws Exception {
        unmapped((shard, session) -> {
            assertThat(shard.isMapped()).isFalse();
            assertThat(shard.hasPushBox()).isFalse();
            assertThat(shard.pull(4, counting()).receives().byteLength()).isEqualTo(BYTES);
            assertThatThrownBy(() -> shard.readMapped(counting()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContainingAll("buffer 'box'", "shard 1 of 2", "is not mapped");
        });
        assertThat(agent.requests()).containsExactly(new Request.SentPull(NUMBER, 4));
    }

    @Test
    void aPullAndAPushOfAMappedShardSendNoData() throws Exception {
        mapped((shard, session) -> {
            assertThat(shard.isMapped()).isTrue();
            assertThat(shard.hasPushBox()).isTrue();
            assertThat(shard.pull(4, counting()).receives()).isNull();
            Region copy = Region.allocate("copy", SPEC.byteLength());
            assertThat(shard.push(counting(), copy, ORIGIN).sends()).isNull();

            assertThat(asServer(session, "push").data().getFloat(0)).isEqualTo(OFFSET / 4f);
            assertThat(copy.getFloat(OFFSET)).as("unused").isZero();
        });
        assertThat(agent.requests())
                .containsExactly(
                        new Request.MappedPull(NUMBER, 4),
                        new Request.MappedPush(NUMBER, new ChangeId(0, LAST_CHANGE + 1), ORIGIN, "push"));
    }

    @Test
    void aMappedShardIsReadAndChangedInPlaceAndItsChangesAreCounted() throws Exception {
        mapped((shard, session) -> {
            assertThat(shard.writeMapped(counting())).isEqualTo(1);
            assertThat(shard.accumulateMapped(counting(), new ArrayKernels())).isEqualTo(2);
            Region read = Region.allocate("read", SPEC.byteLength());
            assertThat(shard.readMapped(read)).isEqualTo(2);

            assertThat(read.getFloat(OFFSET)).isEqualTo(OFFSET / 2f);
            assertThat(read.getFloat(0)).as("another shard's part").isZero();
            assertThat(asServer(session, "shard").data().getFloat(0)).isEqualTo(OFFSET / 2f);
        });
        assertThat(agent.asked).isEmpty();
    }

    @Test
    void aMappedCounterReturnsItsPreviousValue() throws Exception {
        mapped((shard, session) -> {
            assertThat(shard.fetchAndAddMapped(5)).isZero();
            assertThat(shard.fetchAndAddMapped(2)).isEqualTo(5);
            assertThat(asServer(session, "shard").data().getDouble(0)).isEqualTo(7);
        });
    }

    @Test
    void aFreedBufferIsNotReadThoughItsMemoryIsStillMapped() throws Exception {
        mapped((shard, session) -> {
            asServer(session, "shard").markFreed();

            assertThatThrownBy(() -> shard.readMapped(counting()))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll("'box'", "it was freed");
        });
    }
}
