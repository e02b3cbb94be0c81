package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.layers.mkldnn.BaseMKLDNNHelper;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

class OneDnnTest {

    private static final String SWITCH = "-Dorg.eclipse.deeplearning4j.helpers.disable=";

    @TempDir
    Path directory;

    @Test
    void deeplearning4jFindsItsOneDnnLayersButDoesNotUseThemUnasked() {
        MultiLayerNetwork model = model();

        assertThat(BaseMKLDNNHelper.mklDnnEnabled()).isTrue();
        assertThat(model.getLayer(0).getHelper()).isNull();
    }

    @Test
    void trainingWithOneDnnAgreesWithTrainingWithout() throws Exception {
        List<String> without = trainInOwnJvm("true");
        List<String> with = trainInOwnJvm("false");

        assertThat(without.get(0)).isEqualTo("helpers: 0");
        assertThat(with.get(0)).isEqualTo("helpers: 3");
        assertThat(with).hasSameSizeAs(without);
        for (int i = 1; i < with.size(); i++) {
            assertThat(Double.parseDouble(with.get(i))).isCloseTo(Double.parseDouble(without.get(i)), within(1e-5));
        }
    }

    private List<String> trainInOwnJvm(String disable) throws IOException, InterruptedException {
        Path output = directory.resolve("output-" + disable);
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                SWITCH + disable,
                Training.class.getName(),
                output.toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log-" + disable).toFile())
                .start();
        try {
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue())
                .as(() -> "log: " + read(directory.resolve("log-" + disable)))
                .isZero();
        return Files.readAllLines(output);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static MultiLayerNetwork model() {
        return TestModels.convolutional(TestModels.configuration(new Sgd(0.1), DataType.FLOAT), true);
    }

    /** Trains for a few steps, and writes how many layers have a helper, and the parameters. */
    static final class Training {

        private Training() {}

        public static void main(String[] args) throws IOException {
            MultiLayerNetwork model = model();
            for (DataSet batch : TestData.batches(TestData.images(40, DataType.FLOAT, 1), 8)) {
                model.fit(batch);
            }
            long helpers = IntStream.range(0, model.getnLayers())
                    .filter(layer -> model.getLayer(layer).getHelper() != null)
                    .count();
            List<String> lines = new ArrayList<>(List.of("helpers: " + helpers));
            for (double parameter : model.params().toDoubleVector()) {
                lines.add(Double.toString(parameter));
            }
            Files.write(Path.of(args[0]), lines);
        }
    }
}
