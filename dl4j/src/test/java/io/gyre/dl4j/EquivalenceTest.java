package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Gyre;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;

class EquivalenceTest {

    static Stream<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (String model : List.of("perceptron", "convolutional", "residual"))
            for (IUpdater updater : List.of(new Sgd(0.1), new Nesterovs(0.1, 0.9), new Adam(0.01)))
                for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE))
                    for (int ranks : new int[] {1, 2, 3, 4}) cases.add(Arguments.of(model, updater, type, ranks));
        return cases.stream();
    }

    static Model model(String name, IUpdater u, DataType t) {
        return switch (name) {
            case "perceptron" -> TestModels.perceptron(TestModels.configuration(u.clone(), t));
            case "convolutional" -> TestModels.convolutional(TestModels.configuration(u.clone(), t), false);
            default -> TestModels.residual(TestModels.configuration(u.clone(), t), false);
        };
    }

    @ParameterizedTest(name = "{0} {1} {2} {3}")
    @MethodSource("cases")
    void x(String name, IUpdater updater, DataType type, int ranks) throws Exception {
        DataSet all = name.equals("perceptron") ? TestData.vectors(300, type, 1) : TestData.images(300, type, 1);
        List<DataSet> batches = TestData.batches(all, 12, 5, 16);
        Model ref = model(name, updater, type);
        for (DataSet b : batches) TestModels.plainFit(ref, b);
        List<INDArray> results = Gyre.local(ranks).call(session -> {
            Model m = model(name, updater, type);
            try (DistributedTrainer t = DistributedTrainer.of(m, session)) {
                FitReport r = t.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
                assertThat(t.parametersSha256OfAllRanks()).containsOnly(t.parametersSha256());
                if (session.world().rank() == 0) System.out.println(r);
            }
            return m.params();
        });
        System.out.println(name + " " + updater.getClass().getSimpleName() + " " + type + " " + ranks + " diff "
                + results.get(0).sub(ref.params()).amaxNumber());
    }
}
