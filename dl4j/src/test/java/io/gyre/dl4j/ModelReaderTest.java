package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInitDistribution;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

class ModelReaderTest {

    private static final String COEFFICIENTS = "coefficients.bin";
    private static final String UPDATER_STATE = "updaterState.bin";
    private static final String CONFIGURATION = "configuration.json";

    /** Shape information of a vector of 4 floats. */
    private static final long[] FOUR = {1, 4, 1, 8192, 1, 'c'};

    @TempDir
    Path directory;

    private static MultiLayerNetwork perceptron(DataType type) {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.01), type));
    }

    private static ModelZip zip() {
        return ModelZip.of(perceptron(DataType.FLOAT));
    }

    private Path file(byte[] content) {
        try {
            return Files.write(directory.resolve("model.zip"), content);
        } catch (IOException e) {
            throw new UncheckedIOException("no file", e);
        }
    }

    private void assertRefused(byte[] content, String... reasons) {
        Path file = file(content);
        assertThatExceptionOfType(BadModelException.class)
                .isThrownBy(() -> ModelReader.create().multiLayerNetwork(file, true))
                .withMessageStartingWith("the model file " + file + " is refused: ")
                .withMessageContainingAll(reasons)
                .satisfies(e -> assertThat(e.getMessage().length()).isLessThan(700));
    }

    // What is read.

    @ParameterizedTest
    @ValueSource(strings = {"FLOAT", "DOUBLE"})
    void aNetworkIsReadAsModelSerializerReadsIt(DataType type) throws IOException {
        MultiLayerNetwork network = perceptron(type);
        network.setIterationCount(7);
        Path file = file(ModelZip.written(network));

        MultiLayerNetwork read = ModelReader.create().multiLayerNetwork(file, true);

        MultiLayerNetwork expected = ModelSerializer.restoreMultiLayerNetwork(file.toFile(), true);
        assertThat(read.getLayerWiseConfigurations().toJson())
                .isEqualTo(expected.getLayerWiseConfigurations().toJson());
        Bound.assertIdentical(read.params(), network.params());
        Bound.assertIdentical(read.updaterState(), network.updaterState());
        assertThat(read.getIterationCount()).isEqualTo(7);
    }

    @Test
    void aGraphIsReadAsModelSerializerReadsIt() throws IOException {
        ComputationGraph graph = TestModels.residual(TestModels.configuration(new Adam(0.01), DataType.FLOAT), true);
        Path file = file(ModelZip.written(graph));

        ComputationGraph read = ModelReader.create().computationGraph(file, true);

        ComputationGraph expected = ModelSerializer.restoreComputationGraph(file.toFile(), true);
        assertThat(read.getConfiguration().toJson())
                .isEqualTo(expected.getConfiguration().toJson());
        Bound.assertIdentical(read.params(), graph.params());
        Bound.assertIdentical(
                read.getUpdater().getStateViewArray(), graph.getUpdater().getStateViewArray());
    }

    @Test
    void whatATrainerExportedIsReadWithoutItsUpdaterState() {
        MultiLayerNetwork network = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT));
        Path file = directory.resolve("exported.zip");
        ModelExport.write(network, file);

        Bound.assertIdentical(
                ModelReader.create().multiLayerNetwork(file, false).params(), network.params());
    }

    @Test
    void aNormalizerIsToleratedAndNotRead() {
        MultiLayerNetwork network = perceptron(DataType.FLOAT);
        Path file = file(ModelZip.of(network)
                .with("normalizer.bin", new byte[] {(byte) 0xac, (byte) 0xed, 0, 5})
                .bytes());

        Bound.assertIdentical(ModelReader.create().multiLayerNetwork(file, true).params(), network.params());
    }

    static Stream<Named<FeaturesTest.Feature>> known() {
        return Stream.concat(KnownClassesTest.exact(), KnownClassesTest.exactInParts());
    }

    /** Layers, vertices, losses, updaters and settings of Deeplearning4j's: none is taken for a stranger's. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("known")
    void everyKnownModelPasses(FeaturesTest.Feature feature) throws IOException {
        byte[] written = ModelZip.written(feature.model().get());

        new ModelArchive(written, 1 << 30, ModelReader.KNOWN).check();
    }

    // What is refused.

    @Test
    void aSerializedPreprocessorIsRefusedEvenIfNobodyAsksForIt() {
        assertRefused(
                zip().with("preprocessor.bin", new byte[] {(byte) 0xac, (byte) 0xed, 0, 5})
                        .bytes(),
                "preprocessor.bin",
                "Java serialization");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil",
                "/etc/passwd",
                "a/../../b",
                "..\\evil",
                "C:\\evil",
                "objects/x",
                "Coefficients.bin",
                "",
                "d/"
            })
    void anEntryThatNoModelHasIsRefused(String name) {
        assertRefused(zip().with(name, new byte[1]).bytes(), "the entry '" + name + "', which no model has");
    }

    @Test
    void aLongNameIsNotShownInFull() {
        assertRefused(zip().with("x".repeat(10_000), new byte[1]).bytes(), "which no model has");
    }

    @Test
    void anEntryTwiceIsRefused() {
        byte[] twice = zip().with("coefficientz.bin", new byte[4]).bytes();
        byte[] name = "coefficientz.bin".getBytes(StandardCharsets.US_ASCII);
        for (int at = 0; at + name.length <= twice.length; at++) {
            if (Arrays.equals(twice, at, at + name.length, name, 0, name.length)) {
                twice[at + 11] = 's';
            }
        }
        assertRefused(twice, "the entry 'coefficients.bin' twice");
    }

    @Test
    void aModelWithoutOneOfItsPartsIsRefused() {
        assertRefused(zip().without(CONFIGURATION).bytes(), "no configuration.json");
        assertRefused(zip().without(COEFFICIENTS).bytes(), "no coefficients.bin");
        assertRefused(
                zip().without(COEFFICIENTS).with("noParams.marker", new byte[0]).bytes(), "without parameters");
        assertRefused(new byte[0], "no configuration.json", "no zip");
        assertRefused("GYRECKPT".getBytes(StandardCharsets.US_ASCII), "no zip of a model");
    }

    static Stream<Arguments> lies() {
        return Stream.of(
                lie("a length without values", FOUR, 4, 12, "fewer bytes than its header announces"),
                lie("values without a length", FOUR, 4, 20, "longer than it should be"),
                lie("a huge length", FOUR, 1L << 40, 16, "a shape of 4 values"),
                lie("a huge vector", new long[] {1, 1L << 40, 1, 8192, 1, 'c'}, 1L << 40, 16, "fewer bytes"),
                lie("a negative length", FOUR, -4, 16, "a shape of 4 values"),
                lie(
                        "a product that overflows",
                        new long[] {2, 1L << 32, 1L << 32, 1L << 32, 1, 8192, 1, 'c'},
                        0,
                        0,
                        "more than 63 bits"),
                lie(
                        "a length in bytes that overflows",
                        new long[] {1, 1L << 62, 1, 8192, 1, 'c'},
                        1L << 62,
                        0,
                        "more than 63 bits"),
                lie("a stride beyond the values", new long[] {1, 4, 1000, 8192, 1, 'c'}, 4, 16, "the last at 3000"),
                lie("a negative stride", new long[] {1, 4, -1, 8192, 1, 'c'}, 4, 16, "a stride of -1"),
                lie("no values", new long[] {1, 0, 1, 8192, 1, 'c'}, 0, 0, "a dimension of 0"),
                lie("another rank", new long[] {2, 4, 1, 8192, 1, 'c'}, 4, 16, "a rank of 2"),
                lie("another type", new long[] {1, 4, 1, 16384, 1, 'c'}, 4, 16, "options 16384"),
                lie("another element-wise stride", new long[] {1, 4, 1, 8192, 7, 'c'}, 4, 16, "element-wise stride 7"),
                lie("another order", new long[] {1, 4, 1, 8192, 1, 'x'}, 4, 16, "order 120"),
                lie("no rank", new long[] {0, 8192}, 0, 0, "shape information of 2 words"),
                lie("a rank of 100", new long[204], 0, 0, "shape information of 204 words"));
    }

    private static Arguments lie(String what, long[] shapeInfo, long length, int bytes, String reason) {
        return Arguments.of(Named.of(what, ModelZip.array(shapeInfo, DataType.FLOAT, length, bytes)), reason);
    }

    @ParameterizedTest
    @MethodSource("lies")
    void anArrayWhoseHeaderLiesIsRefused(byte[] array, String reason) {
        assertRefused(zip().with(COEFFICIENTS, array).bytes(), COEFFICIENTS, reason);
        assertRefused(zip().with(UPDATER_STATE, array).bytes(), UPDATER_STATE, reason);
    }

    private void assertRefusedArray(byte[] array, String reason) {
        assertRefused(zip().with(COEFFICIENTS, array).bytes(), reason);
    }

    @Test
    void anArrayOfAnotherFormOrTypeIsRefused() {
        byte[] old = ModelZip.array(FOUR, DataType.FLOAT, 4, 16);
        old[2] = 'X';

        assertRefusedArray(old, "a format of before Deeplearning4j 1.0.0-beta4");
        assertRefusedArray(ModelZip.array(FOUR, DataType.BOOL, 4, 16), "no floating-point numbers");
        assertRefusedArray(ModelZip.array(FOUR, DataType.COMPRESSED, 4, 16), "no floating-point numbers");
        assertRefusedArray(new byte[] {0}, "fewer bytes");
    }

    @Test
    void anUpdaterStateOutOfProportionIsRefused() {
        byte[] state = ModelZip.array(new long[] {1, 1 << 16, 1, 8192, 1, 'c'}, DataType.FLOAT, 1 << 16, 4 << 16);

        assertRefused(zip().with(UPDATER_STATE, state).bytes(), "a state of 65536 numbers for 433 parameters");
    }

    @Test
    void aBombOfZerosIsRefused() {
        int length = 20 << 20;
        byte[] zeros = ModelZip.array(new long[] {1, length, 1, 8192, 1, 'c'}, DataType.FLOAT, length, 4 * length);

        assertRefused(zip().with(COEFFICIENTS, zeros).bytes(), "'coefficients.bin' expands more than 100 times");
    }

    @Test
    void contentsAboveTheBoundAreRefusedBeforeTheyAreKept() {
        byte[] bytes = zip().bytes();

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> new ModelArchive(bytes, 4_000, List.of("org.")).check())
                .withMessageContaining("take more than 4000 bytes");
    }

    @Test
    void aConfigurationThatIsTooLongIsRefused() {
        assertRefused(zip().with(CONFIGURATION, new byte[(16 << 20) + 1]).bytes(), "more than 16777216 bytes");
    }

    @Test
    void aClassOfStrangersIsRefusedWhereverItStands() {
        String layer = "org.deeplearning4j.nn.conf.layers.DenseLayer";

        for (String evil : new String[] {
            "com.example.Gadget", "javax.script.ScriptEngineManager", "org.nd4jx.Gadget", "[Lorg.nd4j.X;", ""
        }) {
            assertRefused(zip().replaceInConfiguration(layer, evil).bytes(), "names the class '" + evil + "'");
        }
        assertRefused(
                zip().replaceInConfiguration(layer, layer + "<com.example.Gadget>")
                        .bytes(),
                "com.example.Gadget");
        assertRefused(
                zip().replaceInConfiguration("\"@class\"", "\"\\u0040class\"")
                        .replaceInConfiguration(layer, "com.example.Gadget")
                        .bytes(),
                "names the class 'com.example.Gadget'");
        assertRefused(
                zip().replaceInConfiguration("\"" + layer + "\"", "{\"a\": 1}").bytes(), "names the class '{'");
    }

    @Test
    void aClassOfADistributionIsCheckedToo() {
        ModelZip zip = ModelZip.of(TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT)
                .weightInit(new WeightInitDistribution(new NormalDistribution(0, 1)))));
        String distribution = NormalDistribution.class.getName();
        assertThat(new String(zip.content(CONFIGURATION), StandardCharsets.UTF_8))
                .contains("\"type\" : \"" + distribution);

        assertRefused(
                zip.replaceInConfiguration(distribution, "com.example.Gadget").bytes(),
                "names the class 'com.example.Gadget'");
    }

    @Test
    void aClassOfOnesOwnIsAllowedByItsPrefix() {
        Path file =
                file(zip().replaceInConfiguration("org.deeplearning4j.nn.conf.layers.DenseLayer", "com.example.MyLayer")
                        .bytes());

        // It passes the check, and Deeplearning4j does not find it.
        assertThatExceptionOfType(BadModelException.class)
                .isThrownBy(() -> ModelReader.create().allowing("com.example.").multiLayerNetwork(file, true))
                .withMessageStartingWith("Deeplearning4j cannot read the model file " + file);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ModelReader.create().allowing(" "));
    }

    @Test
    void aConfigurationThatIsNoJsonOrTooDeepIsRefused() {
        String[][] cases = {
            {"", "no JSON object"},
            {"[]", "no JSON object"},
            {"{", "no JSON"},
            {"{\"a\": tru", "no JSON"},
            {"{} {}", "something follows"},
            {"{\"a\":" + "[".repeat(100_000), "more than 64 levels deep"},
        };
        for (String[] each : cases) {
            assertRefused(
                    zip().with(CONFIGURATION, each[0].getBytes(StandardCharsets.UTF_8))
                            .bytes(),
                    each[1]);
        }
    }

    @Test
    void aFileThatIsMissingOrAnotherModelIsNamed() {
        Path missing = directory.resolve("missing.zip");
        assertThatExceptionOfType(BadModelException.class)
                .isThrownBy(() -> ModelReader.create().multiLayerNetwork(missing, true))
                .withMessageContaining(missing + ": NoSuchFileException");

        Path network = file(zip().bytes());
        assertThatExceptionOfType(BadModelException.class)
                .isThrownBy(() -> ModelReader.create().computationGraph(network, true))
                .withMessageStartingWith("Deeplearning4j cannot read the model file " + network);
    }

    @Test
    void damageAnywhereIsRefusedOrHarmless() {
        byte[] whole = zip().bytes();
        for (int length = 0; length < whole.length; length += 7) {
            Path cut = file(Arrays.copyOf(whole, length));
            readOrRefuse(cut);
        }
    }

    private static void readOrRefuse(Path file) {
        try {
            Model read = ModelReader.create().multiLayerNetwork(file, true);
            assertThat(read.numParams()).isEqualTo(433);
        } catch (BadModelException e) {
            assertThat(e).hasMessageContaining(file.toString());
        }
    }
}
