package io.gyre.dl4j;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;

/** A program with {@link UnevenExchange}. */
final class ExchangingProgram {

    private static final long LOSS_AFTER = 4;

    private ExchangingProgram() {}

    public static void main(String[] arguments) {
        TrainerBuilder builder = Gyre.builder(
                        TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT)))
                .seed(5)
                .strategy(new UnevenExchange(LOSS_AFTER));
        try (DistributedTrainer trainer = builder.build()) {
            ShardedData data = ShardedData.of(
                    TestData.iterator(TestData.batches(TestData.vectors(53, DataType.FLOAT, 1), 9)), Sharding.EXAMPLES);
            trainer.fit(data, 2);
            System.out.println("result step " + trainer.step() + " equal "
                    + trainer.parametersSha256OfAllRanks().stream().distinct().count());
        }
    }
}
