package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rank 0 maps a box of rank 1. */
@Timeout(60)
class ShardMapperTest {

    private static final long BYTES = 4_000;
    private static final String BOX = "shard";

    @FunctionalInterface
    private interface Use {
        void of(ShardMapper mapper, ServerLink server, ServiceThread thread);
    }

    /** Lets rank 1 create the box, and lock its first stripe if it is told to; then it leaves. */
    private static void run(boolean locking, Use use) throws Exception {
        Gyre.local(2).run(session -> {
            session.beExpendable();
            if (session.world().rank() == 1) {
                MemoryBox box = session.endpoint().boxes().create(BOX, StripedMemory.wholeBytes(BYTES));
                if (locking) {
                    new StripeLocks(box.region(), StripeLocks.LINE_BYTES, 1, new PrivateMemory(), "a test").lock(0);
                }
                session.exchange("the box is there", new byte[0]);
                session.exchange("the box was used", new byte[0]);
                return;
            }
            session.exchange("the box is there", new byte[0]);
            ServerLink server = new ServerLink(0, 1, false, session.members().get(1), System::nanoTime);
            try (ServiceThread thread =
                    new ServiceThread(session, List.of(server), new AnsweringAgent(request -> null))) {
                thread.start();
                use.of(new ShardMapper(session, thread), server, thread);
            }
            session.exchange("the box was used", new byte[0]);
        });
    }

    private static Region ones() {
        Region region = Region.allocate("ones", BYTES);
        for (long at = 0; at < BYTES; at += 4) {
            region.putFloat(at, 1);
        }
        return region;
    }

    @Test
    void whatIsWrittenThroughOneMappingIsReadThroughAnother() throws Exception {
        run(false, (mapper, server, thread) -> {
            StripedMemory first = mapper.map(server, BOX, BYTES);
            StripedMemory second = mapper.map(server, BOX, BYTES);
            first.write(0, ones());

            assertThat(second.box()).isEqualTo(BOX);
            assertThat(second.changes()).isEqualTo(1);
            assertThat(second.data().byteLength()).isEqualTo(BYTES);
            assertThat(second.data().getFloat(BYTES - 4)).isEqualTo(1);
        });
    }

    @Test
    void aServerWithoutABoxIsNotMapped() throws Exception {
        run(
                false,
                (mapper, server, thread) ->
                        assertThat(mapper.map(server, "", BYTES)).isNull());
    }

    @Test
    void aWaitForALockEndsWithTheService() throws Exception {
        run(true, (mapper, server, thread) -> {
            StripedMemory memory = mapper.map(server, BOX, BYTES);
            thread.close();

            assertThatThrownBy(() -> memory.write(0, ones()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("the parameter service is closed");
        });
    }

    @Test
    void theLockOfARankThatHasEndedIsTaken() throws Exception {
        Gyre.local(2).run(session -> {
            session.beExpendable();
            if (session.world().rank() == 1) {
                session.exchange("the box is locked", new byte[0]);
                return;
            }
            MemoryBox box = session.endpoint().boxes().create(BOX, StripedMemory.wholeBytes(BYTES));
            new StripeLocks(box.region(), StripeLocks.LINE_BYTES, 1, new PrivateMemory(), "a test").lock(0);
            session.exchange("the box is locked", new byte[0]);
            mapAndWrite(session);
        });
    }

    private static void mapAndWrite(Session session) {
        ServerLink self = new ServerLink(0, 1, false, session.members().get(0), System::nanoTime);
        try (ServiceThread thread = new ServiceThread(session, List.of(self), new AnsweringAgent(request -> null))) {
            thread.start();
            StripedMemory memory = new ShardMapper(session, thread).map(self, BOX, BYTES);

            memory.write(0, ones());

            assertThat(session.hasEnded(1)).isTrue();
            assertThat(memory.data().getFloat(0)).isEqualTo(1);
        }
    }
}
