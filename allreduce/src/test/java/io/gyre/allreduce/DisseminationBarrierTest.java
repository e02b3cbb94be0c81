package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.allreduce.RecordingEndpoint.Sent;
import io.gyre.local.Gyre;
import io.gyre.network.Frame.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rounds of the barrier, and that nobody leaves it before the last rank has come, whichever rank that is. */
@Timeout(60)
class DisseminationBarrierTest {

    private static final int MAX_PAYLOAD = 32;
    private static final int PATIENCE_SECONDS = 10;

    @ParameterizedTest(name = "{0} ranks: {1} rounds")
    @CsvSource({"1, 0", "2, 1", "3, 2", "4, 2", "5, 3", "8, 3", "9, 4"})
    void inRoundKEachRankSendsOneEmptyFrameToTheRank2ToTheKFurther(int ranks, int rounds) throws Exception {
        List<List<Sent>> sent = Gyre.local(ranks).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), MAX_PAYLOAD);
            new DisseminationBarrier(endpoint).run(0);
            return endpoint.sent();
        });

        for (int rank = 0; rank < ranks; rank++) {
            List<Sent> expected = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                expected.add(new Sent((rank + (1 << round)) % ranks, Kind.BARRIER, round, 0));
            }
            assertThat(sent.get(rank)).as("frames of rank %d", rank).isEqualTo(expected);
        }
    }

    /** Each rank in turn comes last: when all others wait for it. */
    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {2, 3, 4, 5})
    void nobodyLeavesBeforeTheLastHasCome(int ranks) throws Exception {
        for (int late = 0; late < ranks; late++) {
            int last = late;
            Set<Integer> waiting = ConcurrentHashMap.newKeySet();
            CountDownLatch othersWait = new CountDownLatch(ranks - 1);
            AtomicInteger passed = new AtomicInteger();

            Gyre.local(ranks).run(session -> {
                int rank = session.world().rank();
                if (rank == last) {
                    assertThat(othersWait.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                            .as("all ranks but %d wait", last)
                            .isTrue();
                    assertThat(passed)
                            .as("ranks that left before rank %d came", last)
                            .hasValue(0);
                }
                Runnable atWait = () -> {
                    if (rank != last && waiting.add(rank)) {
                        othersWait.countDown();
                    }
                };
                new DisseminationBarrier(new RecordingEndpoint(session.endpoint(), MAX_PAYLOAD, atWait)).run(0);
                passed.incrementAndGet();
            });
            assertThat(passed).hasValue(ranks);
        }
    }
}
