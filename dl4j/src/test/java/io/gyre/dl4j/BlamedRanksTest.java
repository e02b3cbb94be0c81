package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.network.Collective;
import io.gyre.paramserver.ParameterService;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Replicas differ: the error names the ranks that are wrong, as far as a majority of the others tells. */
@Timeout(600)
class BlamedRanksTest {

    private static String messageOf(int ranks, List<Integer> wrong) {
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        assertThatThrownBy(() -> Gyre.local(ranks).run(session -> {
                    MultiLayerNetwork model = BitFlipTest.perceptron();
                    int rank = session.world().rank();
                    if (wrong.contains(rank)) {
                        model.addListeners(new FlippingListener(new BitFlip(BitFlip.Where.PARAMETERS, rank, 2, 0.5)));
                    }
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(BitFlipTest.vectors(), 1);
                    } catch (GyreException e) {
                        messages.put(rank, String.valueOf(e.getMessage()));
                        throw e;
                    }
                }))
                .isInstanceOf(GyreException.class);
        assertThat(messages).hasSize(ranks);
        assertThat(messages.values()).containsOnly(messages.get(0));
        return messages.get(0);
    }

    @Test
    void twoRanksCannotTellWhichIsWrong() {
        assertThat(messageOf(2, List.of(1)))
                .startsWith("after step 2 rank 0 (")
                .contains("and rank 1 (")
                .contains("differ, and one of the two is wrong: with two ranks it is not known which")
                .contains("first in the parameters at element ")
                .contains("Resume from the last checkpoint");
    }

    @Test
    void withoutAMajorityTheGroupsAreListed() {
        assertThat(messageOf(4, List.of(1, 3)))
                .containsPattern(
                        "after step 2 \\[rank 0 \\(.*\\), rank 2 \\(.*\\)] and \\[rank 1 \\(.*\\), rank 3 \\(.*\\)]")
                .contains("differ, and none of these groups is a majority");
    }

    @Test
    void twoOfFiveMayBeWrong() {
        assertThat(messageOf(5, List.of(1, 3)))
                .containsPattern("after step 2 rank 1 \\(.*\\), rank 3 \\(.*\\) differ from the other 3 ranks")
                .containsPattern(" on ranks 0, 2, 4; .* on ranks 1, 3");
    }

    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"ON", "OFF"})
    void aGroupComparesItsOwnReplicas(Overlap overlap) {
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        assertThatThrownBy(() -> Gyre.local(5).run(session -> {
                    MultiLayerNetwork model = BitFlipTest.perceptron();
                    int rank = session.world().rank();
                    if (rank == 4) {
                        model.addListeners(
                                new FlippingListener(new BitFlip(BitFlip.Where.UPDATER_STATE, rank, 3, 0.5)));
                    }
                    try (ParameterService service =
                                    ParameterService.builder(session).groups(2).start();
                            Collective group =
                                    Collectives.choose(service.group().endpoint());
                            DistributedTrainer trainer = DistributedTrainer.builder(model, service.workers())
                                    .strategy(Strategies.hybridElastic(model, service, group, 1))
                                    .overlap(overlap)
                                    .build()) {
                        trainer.fit(BitFlipTest.vectors(), 1);
                    } catch (GyreException e) {
                        messages.put(rank, String.valueOf(e.getMessage()));
                        throw e;
                    }
                }))
                .isInstanceOf(GyreException.class);

        assertThat(messages.get(4))
                .startsWith("after step 3 rank 3 (")
                .contains("and rank 4 (")
                .contains("differ, and one of the two is wrong")
                .contains("first in the updater state at element ");
        assertThat(messages.get(3)).isEqualTo(messages.get(4));
    }
}
