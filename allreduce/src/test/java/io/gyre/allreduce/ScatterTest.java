package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.PeerLostException;
import io.gyre.ReduceOp;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ScatterTest {

    private static final String OPERATION = "a test's scatter";
    private static final int FRAME_BYTES = 64;

    /** The number of floats for a rank in a round: less than a frame, some frames, more than a link holds. */
    private static int length(int rank, int round) {
        return 1 + rank * 7 + round * 300;
    }

    private static Region[] parts(int ranks, int round) {
        return IntStream.range(0, ranks)
                .mapToObj(rank -> Floats.region(Floats.of(rank + round, length(rank, round))))
                .toArray(Region[]::new);
    }

    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {2, 3, 5})
    void everyRankGetsItsOwnBytesInEveryRoundAmongOtherOperations(int ranks) throws Exception {
        List<List<float[]>> received = Gyre.local(ranks).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), FRAME_BYTES);
            RingCollective ring = new RingCollective(session.endpoint());
            Region sum = Region.allocate("sum", Float.BYTES);
            List<float[]> own = new ArrayList<>();
            try (Scatter scatter = new Scatter(endpoint, OPERATION)) {
                for (int round = 0; round < 4; round++) {
                    if (session.world().isRoot()) {
                        scatter.send(parts(ranks, round), round);
                    } else {
                        own.add(Floats.read(scatter.receive(round)));
                    }
                    ring.allReduce(sum, ElementType.FLOAT32, ReduceOp.SUM, round, 0);
                }
            }
            return own;
        });

        for (int rank = 1; rank < ranks; rank++) {
            for (int round = 0; round < 4; round++) {
                assertThat(received.get(rank).get(round)).isEqualTo(Floats.of(rank + round, length(rank, round)));
            }
        }
    }

    @Test
    void ranksInDifferentStepsFail() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (Scatter scatter = new Scatter(session.endpoint(), OPERATION)) {
                        if (session.world().isRoot()) {
                            scatter.send(parts(2, 0), 7);
                        } else {
                            scatter.receive(8);
                        }
                    }
                }))
                .hasCauseInstanceOf(DisagreementException.class)
                .hasMessageContaining("in " + OPERATION + " of step 8")
                .hasMessageContaining("rank 0");
    }

    @Test
    void aLostRootEndsTheWaitOfTheOthers() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    if (!session.world().isRoot()) {
                        awaitLoss(session);
                    }
                }))
                .hasCauseInstanceOf(PeerLostException.class)
                .hasMessageContaining("stopped in " + OPERATION + " of step 3")
                .hasMessageContaining("rank 0");
    }

    private static void awaitLoss(Session session) {
        try (Scatter scatter = new Scatter(session.endpoint(), OPERATION)) {
            scatter.receive(3);
        }
    }

    @Test
    void onlyRankZeroSendsAndToAllOthers() throws Exception {
        Gyre.local(2).run(session -> {
            try (Scatter scatter = new Scatter(session.endpoint(), OPERATION)) {
                int wrong = session.world().isRoot() ? 3 : 2;
                assertThatThrownBy(() -> scatter.send(parts(wrong, 0), 0))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining(
                                "rank " + session.world().rank() + " of 2 cannot send " + wrong + " parts");
            }
        });
    }
}
