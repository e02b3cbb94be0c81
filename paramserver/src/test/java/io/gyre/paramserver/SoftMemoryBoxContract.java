package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.local.LocalCluster;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The behaviour of a soft memory box over any network. */
@Timeout(120)
abstract class SoftMemoryBoxContract {

    private static final byte[] NOTHING = {};
    private static final int ELEMENTS = 100_003;

    abstract LocalCluster.Network network();

    /** A program for one rank that has a service. */
    @FunctionalInterface
    interface Program {
        void run(Session session, ParameterService service) throws Exception;
    }

    /** Backups of each shard: with one, there are two ranks more that only serve, at least. */
    int backups() {
        return 0;
    }

    private int dedicated(int servers) {
        return backups() == 0 ? servers : Math.max(2, servers);
    }

    private void run(int ranks, int servers, Program program) throws InterruptedException {
        LocalCluster.over(network(), ranks - servers + dedicated(servers))
                .withPeerTimeout(Duration.ofSeconds(60))
                .run(session -> {
                    try (ParameterService service = ParameterService.builder(session)
                            .servers(dedicated(servers))
                            .backups(backups())
                            .start()) {
                        if (service.isServer()) {
                            service.serve();
                            return;
                        }
                        program.run(service.workers(), service);
                        service.workers().exchange("the end", NOTHING);
                    }
                });
    }

    private static SoftMemoryBox open(Session session, ParameterService service, ElementType type, long elements) {
        if (session.world().isRoot()) {
            service.create("box", type, elements);
        }
        session.exchange("the box is there", NOTHING);
        return service.attach("box", type, elements);
    }

    @ParameterizedTest(name = "{0} ranks, {1} of them servers only")
    @CsvSource({"1, 0", "2, 0", "3, 0", "2, 1", "4, 2"})
    void whatOneWritesAllRead(int ranks, int servers) throws Exception {
        run(ranks, servers, (session, service) -> {
            SoftMemoryBox box = open(session, service, ElementType.FLOAT32, ELEMENTS);
            Region region = Region.allocate("own", box.byteLength());
            if (session.world().isRoot()) {
                for (int i = 0; i < ELEMENTS; i++) {
                    region.putFloat(4L * i, i);
                }
                box.write(region);
                region.clear();
            }
            session.exchange("written", NOTHING);

            box.read(region);

            for (int i = 0; i < ELEMENTS; i++) {
                assertThat(region.getFloat(4L * i)).isEqualTo(i);
            }
        });
    }

    @ParameterizedTest(name = "{0} ranks, {1} of them servers only")
    @CsvSource({"1, 0", "4, 0", "5, 2"})
    void accumulationsOfManyAtOnceLoseNothing(int ranks, int servers) throws Exception {
        int rounds = 20;
        run(ranks, servers, (session, service) -> {
            SoftMemoryBox box = open(session, service, ElementType.FLOAT64, ELEMENTS);
            Region delta = Region.allocate("delta", box.byteLength());
            for (int i = 0; i < ELEMENTS; i++) {
                delta.putDouble(8L * i, i % 1_000 + session.world().rank());
            }
            for (int round = 0; round < rounds; round++) {
                box.accumulate(delta);
            }
            int workers = session.world().size();
            box.awaitVersion((long) rounds * workers);

            box.read(delta);

            for (int i = 0; i < ELEMENTS; i++) {
                double expected = (double) rounds * (workers * (i % 1_000) + workers * (workers - 1) / 2.0);
                assertThat(delta.getDouble(8L * i)).as("element %d", i).isEqualTo(expected);
            }
        });
    }

    @Test
    void anAccumulationRunsWhileItsRankDoesSomethingElse() throws Exception {
        run(2, 0, (session, service) -> {
            SoftMemoryBox box = open(session, service, ElementType.FLOAT32, ELEMENTS);
            Region delta = Region.allocate("delta", box.byteLength());
            Region seen = Region.allocate("seen", box.byteLength());
            delta.putFloat(0, 1);
            box.beginAccumulate(delta);
            box.read(seen);
            box.awaitAccumulate();

            box.awaitVersion(2);
            box.read(seen);

            assertThat(seen.getFloat(0)).isEqualTo(2);
        });
    }

    /** Each rank adds at its own offsets, and so knows the expected values. */
    @Test
    void aReadThatIsBegunAfterAnAccumulationHoldsIt() throws Exception {
        run(2, 0, (session, service) -> {
            SoftMemoryBox box = open(session, service, ElementType.FLOAT32, ELEMENTS);
            Region delta = Region.allocate("delta", box.byteLength());
            Region seen = Region.allocate("seen", box.byteLength());
            long first = 4L * session.world().rank();
            long last = box.byteLength() - 4 - first;
            delta.putFloat(first, 1);
            delta.putFloat(last, 2);
            for (int round = 1; round <= 50; round++) {
                box.beginAccumulate(delta);
                box.beginRead(seen);
                box.awaitRead();

                assertThat(seen.getFloat(first)).isEqualTo((float) round);
                assertThat(seen.getFloat(last)).isEqualTo(2f * round);
            }
            box.awaitAccumulate();
            session.exchange("done", NOTHING);
        });
    }

    @Test
    void aWaitForAVersionEndsWhenItComes() throws Exception {
        run(2, 0, (session, service) -> {
            SoftMemoryBox box = open(session, service, ElementType.FLOAT32, 64);
            Region one = Region.allocate("one", box.byteLength());
            if (session.world().isRoot()) {
                box.awaitVersion(3);
                assertThat(box.version()).isEqualTo(3);
            } else {
                box.accumulate(one);
                box.accumulate(one);
                box.accumulate(one);
            }
        });
    }

    @Test
    void badRequestsAreRefusedAndTheServersGoOn() throws Exception {
        run(2, 0, (session, service) -> {
            SoftMemoryBox box = open(session, service, ElementType.FLOAT32, 64);

            assertThatThrownBy(() -> service.attach("boks", ElementType.FLOAT32, 64))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll("no buffer 'boks'", "[box]", "create it first");
            assertThatThrownBy(() -> service.attach("box", ElementType.FLOAT32, 65))
                    .hasMessageContainingAll("'box' (64 elements of FLOAT32)", "65 elements of FLOAT32");
            assertThatThrownBy(() -> service.attach("box", ElementType.FLOAT64, 64))
                    .hasMessageContainingAll("'box' (64 elements of FLOAT32)", "64 elements of FLOAT64");
            assertThatThrownBy(() -> service.create("box", ElementType.FLOAT32, 64))
                    .hasMessageContaining("there is a buffer 'box'");
            assertThatThrownBy(() -> box.read(Region.allocate("short", 8)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContainingAll("'short'", "256 bytes");
            assertThatThrownBy(() -> service.parameters("p", ElementType.FLOAT32, 64))
                    .hasMessageContaining("without a training");

            box.accumulate(Region.allocate("zeros", box.byteLength()));
            box.awaitVersion(2);
        });
    }

    @Test
    void aFreedBufferIsGoneForEverybody() throws Exception {
        run(2, 0, (session, service) -> {
            SoftMemoryBox box = open(session, service, ElementType.FLOAT32, 64);
            session.exchange("attached", NOTHING);
            if (session.world().isRoot()) {
                box.free();
            }
            session.exchange("freed", NOTHING);

            assertThatThrownBy(() -> box.accumulate(Region.allocate("zeros", box.byteLength())))
                    .hasMessageContaining("it was freed");
            session.exchange("seen", NOTHING);

            SoftMemoryBox again = open(session, service, ElementType.FLOAT32, 64);
            again.accumulate(Region.allocate("zeros", box.byteLength()));
        });
    }

    @Test
    void aServerWithoutRoomSaysSoAndGoesOn() throws Exception {
        LocalCluster.over(network(), 2).run(session -> {
            try (ParameterService service =
                    ParameterService.builder(session).memoryLimit(1_000).start()) {
                if (session.world().isRoot()) {
                    assertThatThrownBy(() -> service.create("large", ElementType.FLOAT32, 1_000))
                            .hasMessageContainingAll("server 0 of 2", "no room", "'large'", "2048 bytes", "1000");
                    service.create("small", ElementType.FLOAT32, 100);
                }
                session.exchange("the end", NOTHING);
            }
        });
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void lostAndRepeatedMessagesChangeNothing(long seed) throws Exception {
        count(300, 25, seed);
    }

    /** Every rank repeatedly adds 1 to a cell of its own, while messages are lost, repeated and requested again. */
    final void count(int pushes, int elements, long seed) throws InterruptedException {
        LocalCluster.over(network(), 4 + dedicated(0)).run(session -> {
            SplittableRandom random =
                    new SplittableRandom(seed + session.world().rank());
            Faults faults = () -> random.nextInt(10) == 0 ? 0 : random.nextInt(10) == 0 ? 2 : 1;
            try (ParameterService service = ParameterService.builder(session)
                    .servers(dedicated(0))
                    .backups(backups())
                    .retryAfter(Duration.ofMillis(2))
                    .faults(faults)
                    .start()) {
                if (service.isServer()) {
                    service.serve();
                    return;
                }
                Session workers = service.workers();
                SoftMemoryBox box = open(workers, service, ElementType.FLOAT64, 4L * elements);
                Region delta = Region.allocate("delta", box.byteLength());
                for (int i = 0; i < elements; i++) {
                    delta.putDouble(8L * (4L * i + workers.world().rank()), 1);
                }
                for (int push = 0; push < pushes; push++) {
                    box.accumulate(delta);
                }
                workers.exchange("counted", NOTHING);
                box.read(delta);
                for (int i = 0; i < 4 * elements; i++) {
                    assertThat(delta.getDouble(8L * i)).as("cell %d", i).isEqualTo(pushes);
                }
                workers.exchange("the end", NOTHING);
            }
        });
    }
}
