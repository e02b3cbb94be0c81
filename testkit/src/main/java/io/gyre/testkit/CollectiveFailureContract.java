package io.gyre.testkit;

import static io.gyre.ElementType.FLOAT32;
import static io.gyre.ReduceOp.SUM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.local.LocalCluster;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract of a {@link Collective} whose ranks disagree, fail or are silent, or give it what it cannot take. */
abstract class CollectiveFailureContract extends CollectiveRanks {

    private static final int PATIENCE_SECONDS = 30;

    @Test
    void aVectorInOneMemoryIsNotMistakenForOneInAnother() {
        assertThatThrownBy(() -> runOn(2, (collective, world) -> {
                    MemoryBox box = collective.allocate("gradients", LONG * Float.BYTES);
                    Region data = world.rank() == 0
                            ? box.region()
                            : Vector.of(FLOAT32, LONG).region();
                    for (long i = 0; i < LONG; i++) {
                        data.putFloat(i * Float.BYTES, 1);
                    }
                    collective.allReduce(data, FLOAT32, SUM, 0, 0);
                    // A collective that accepts memory anywhere must reduce it correctly; all others must reject it.
                    for (long i = 0; i < LONG; i++) {
                        assertThat(data.getFloat(i * Float.BYTES)).isEqualTo(2);
                    }
                    throw new DisagreementException("rank " + world.rank() + " is right");
                }))
                .isInstanceOf(GyreException.class)
                .cause()
                .isInstanceOf(DisagreementException.class)
                .hasMessageContaining("rank ");
    }

    @Test
    void wrongArgumentsAreRefusedBeforeAnythingIsSent() throws Exception {
        runOn(2, (collective, world) -> {
            Region odd = Region.allocate("odd", 10);
            Region misplaced = Region.allocate("misplaced", 20).slice(2, 16);
            Region fine = Region.allocate("fine", 16);
            Region closed = Region.allocate("closed", 16);
            closed.close();

            for (Region wrong : List.of(odd, misplaced)) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> collective.allReduce(wrong, FLOAT32, SUM, 0, 0))
                        .withMessageContaining(wrong.name());
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> collective.reduceScatter(wrong, FLOAT32, SUM, 0, 0));
                assertThatIllegalArgumentException().isThrownBy(() -> collective.allGather(wrong, FLOAT32, 0, 0));
            }
            for (int root : new int[] {-1, 2}) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> collective.broadcast(fine, root, 0, 0))
                        .withMessageContaining(Integer.toString(root));
            }
            assertThatIllegalStateException()
                    .isThrownBy(() -> collective.allReduce(closed, FLOAT32, SUM, 0, 0))
                    .withMessageContaining("closed");

            Vector vector = Vector.of(FLOAT32, 4).fill(i -> 1);
            collective.allReduce(vector.region(), FLOAT32, SUM, 0, 0);
            vector.check("after all that", i -> 2);
            fine.close();
        });
    }

    /** How ranks can fail to call the same operation. */
    enum Quarrel {
        ONE_ELEMENT_MORE,
        ONE_ELEMENT_MORE_IN_A_LONG_VECTOR,
        NOTHING_AGAINST_SOMETHING,
        SHORT_AGAINST_LONG,
        REDUCE_SCATTER_LENGTH,
        ALL_GATHER_LENGTH,
        BROADCAST_LENGTH,
        BROADCAST_OF_NOTHING,
        STEP,
        BUCKET,
        OPERATION,
        BARRIER_STEP
    }

    @ParameterizedTest
    @EnumSource
    void ranksThatCallDifferentThingsAreStopped(Quarrel quarrel) {
        for (int ranks = 2; ranks <= 5; ranks++) {
            LocalCluster cluster = cluster(ranks);

            assertThatThrownBy(() -> cluster.run(session -> {
                        Collective collective = collective(session.endpoint());
                        quarrel(collective, quarrel, session.world().rank() == 1);
                    }))
                    .isInstanceOf(GyreException.class)
                    .cause()
                    .isInstanceOf(DisagreementException.class)
                    .hasMessageContaining("rank ");
        }
    }

    private static void quarrel(Collective collective, Quarrel quarrel, boolean odd) {
        switch (quarrel) {
            case ONE_ELEMENT_MORE -> sum(collective, odd ? 9 : 8, 0, 0);
            case ONE_ELEMENT_MORE_IN_A_LONG_VECTOR -> sum(collective, odd ? LONG + 1 : LONG, 0, 0);
            case NOTHING_AGAINST_SOMETHING -> sum(collective, odd ? 0 : 100, 0, 0);
            case SHORT_AGAINST_LONG -> sum(collective, odd ? 10 : LONG, 0, 0);
            case REDUCE_SCATTER_LENGTH ->
                collective.reduceScatter(Vector.of(FLOAT32, odd ? 9 : 8).region(), FLOAT32, SUM, 0, 0);
            case ALL_GATHER_LENGTH ->
                collective.allGather(Vector.of(FLOAT32, odd ? 9 : 8).region(), FLOAT32, 0, 0);
            case BROADCAST_LENGTH ->
                collective.broadcast(Vector.of(FLOAT32, odd ? LONG - 1 : LONG).region(), 0, 0, 0);
            case BROADCAST_OF_NOTHING ->
                collective.broadcast(Vector.of(FLOAT32, odd ? 1 : 0).region(), 0, 0, 0);
            case STEP -> sum(collective, 100, odd ? 8 : 7, 0);
            case BUCKET -> sum(collective, 100, 7, odd ? 1 : 0);
            case BARRIER_STEP -> collective.barrier(odd ? 1 : 0);
            case OPERATION -> {
                if (odd) {
                    collective.barrier(0);
                } else {
                    sum(collective, 100, 0, 0);
                }
            }
        }
    }

    private static void sum(Collective collective, long length, long step, int bucket) {
        collective.allReduce(Vector.of(FLOAT32, length).region(), FLOAT32, SUM, step, bucket);
    }

    @Test
    void aRankThatFailsEndsTheOperationOfAllOthersAndIsNamed() {
        Map<Integer, PeerLostException> seen = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> runOn(3, (collective, world) -> {
                    if (world.rank() == 1) {
                        throw new IllegalStateException("no more of this");
                    }
                    seen.put(
                            world.rank(),
                            catchThrowableOfType(PeerLostException.class, () -> sum(collective, LONG, 17, 3)));
                }))
                .isInstanceOf(GyreException.class)
                .hasRootCauseMessage("no more of this");
        assertThat(seen).containsOnlyKeys(0, 2);
        assertThat(seen.values()).allSatisfy(lost -> {
            assertThat(lost.rank()).isEqualTo(1);
            assertThat(lost).hasMessageContainingAll("all-reduce", "bucket 3", "step 17");
        });
    }

    @Test
    void aSilentRankIsNamedAfterThePeerTimeout() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).withPeerTimeout(shortTimeout()).run(session -> {
            Collective collective = collective(session.endpoint());
            session.exchange("collectives are there", new byte[0]);
            if (session.world().isRoot()) {
                PeerTimeoutException timeout =
                        catchThrowableOfType(PeerTimeoutException.class, () -> sum(collective, LONG, 17, 3));
                noticed.countDown();
                assertThat(timeout.rank()).isEqualTo(1);
                assertThat(timeout).hasMessageContainingAll("all-reduce", "bucket 3", "step 17");
            } else {
                assertThat(noticed.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .as("rank 0 gave up within %d s", PATIENCE_SECONDS)
                        .isTrue();
            }
        });
    }
}
