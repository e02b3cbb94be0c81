package io.gyre.samples.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ShardedData;
import io.gyre.local.Gyre;
import io.gyre.samples.data.BitsPerCharacter;
import io.gyre.samples.data.Text;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Test;

/** The character model learns, by truncated backpropagation through time, and on ranks as in one process. */
class CharactersOnRanksTest {

    /** All sequences but the one that is held out: 10, unevenly divided by four ranks. */
    private static final int GLOBAL_BATCH = 12;

    private static final Text TEXT = Text.of("words", "the quick brown fox jumps over the lazy dog. ".repeat(50));

    @Test
    void fourRanksPredictAsWellAsOne() throws Exception {
        double one = bitsPerCharacter(1).get(0);
        List<Double> four = bitsPerCharacter(4);

        assertThat(four).containsOnly(four.get(0));
        assertThat(four.get(0)).isCloseTo(one, within(1e-10));
        // A model that knows nothing has the logarithm of the alphabet.
        assertThat(one).isBetween(0.1, Math.log(TEXT.choices()) / Math.log(2) - 0.1);
    }

    /** After two batches. */
    private static List<Double> bitsPerCharacter(int ranks) throws InterruptedException {
        return Gyre.local(ranks).call(session -> {
            Model model = SampleModel.CHARACTERS.buildInDouble(TEXT.input(), TEXT.choices(), 1);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(TEXT.examples(), GLOBAL_BATCH / ranks, 1), 2);
                assertThat(trainer.step()).isEqualTo(2L * SampleModel.CHARACTERS.stepsPerBatch());
                return trainer.evaluate(ShardedData.of(TEXT.heldOutExamples(), 1, 1), new BitsPerCharacter())
                        .mean();
            }
        });
    }
}
