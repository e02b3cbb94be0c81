package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.cuda.FakeDriver;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceProvider;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import io.gyre.testkit.RankJvm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Training with gradients on devices of the fake driver, with slow streams. ND4J's CPU backend simulates ND4J CUDA: its
 * results reach the device late, by a stream, as those of ND4J CUDA would.
 */
class StagedTrainingTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int RANKS = 2;
    private static final int EPOCHS = 2;

    /** Several buckets for the smallest of models. */
    private static final long BUCKET_BYTES = 400;

    /** Number of buckets copied before the end of their pass, by pass. */
    private static final class DuringPass extends BaseTrainingListener {
        final List<Integer> earlyBuckets = new ArrayList<>();
        Runnable beforeBackward = () -> {};
        int left;

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            beforeBackward.run();
        }

        @Override
        public void onGradientCalculation(Model model) {
            earlyBuckets.add(left);
        }
    }

    /**
     * A device with ND4J's stream, and two memory areas: the one in which the CPU computes, and the device's vector.
     */
    private static final class Played implements DeviceGradients.GradientMemory, AutoCloseable {
        private final Device device;
        private final DeviceStream stream;
        private final DeviceStream special;
        private final DeviceBuffer computed;
        private final DeviceBuffer vector;
        private final DuringPass duringPass;

        Played(Devices devices, int ordinal, long elements, DuringPass duringPass) {
            device = devices.open(ordinal);
            stream = device.stream("ND4J's");
            special = device.stream("ND4J's special one");
            computed = device.allocate("what the CPU computes", elements * Float.BYTES);
            vector = device.allocate("gradients", elements * Float.BYTES);
            this.duringPass = duringPass;
            // On a GPU a pass is enqueued after the copies of the one before.
            duringPass.beforeBackward = () -> stream.await(PATIENCE, "the copies of the pass before");
        }

        /** An array over the memory in which the CPU computes: memory of the fake driver is host memory. */
        INDArray array(INDArray shape) {
            FloatPointer pointer = new FloatPointer(new At(computed.address()));
            pointer.capacity(shape.length());
            return Nd4j.create(
                    Nd4j.createBuffer(pointer, shape.length(), shape.dataType()),
                    shape.shape(),
                    shape.stride(),
                    0,
                    shape.ordering());
        }

        @Override
        public int device(INDArray array) {
            return device.info().ordinal();
        }

        @Override
        public long address(INDArray array) {
            refresh(array, 0, vector.byteLength());
            return vector.address();
        }

        @Override
        public void refresh(INDArray array, long byteOffset, long byteLength) {
            stream.copy(computed, byteOffset, vector, byteOffset, byteLength);
            duringPass.left++;
        }

        @Override
        public long[] streams() {
            return new long[] {stream.handle(), special.handle()};
        }

        @Override
        public void written(INDArray array, long byteOffset, long byteLength) {
            stream.copy(vector, byteOffset, computed, byteOffset, byteLength);
            stream.await(PATIENCE, "what others have written");
            if (byteLength == vector.byteLength()) {
                duringPass.left = 0;
            }
        }

        @Override
        public void close() {
            vector.close();
            computed.close();
            special.close();
            stream.close();
            device.close();
        }

        private static final class At extends Pointer {
            At(long address) {
                this.address = address;
            }
        }
    }

    private static MultiLayerNetwork model() {
        MultiLayerNetwork model = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(5)
                .updater(new Adam(0.01))
                .activation(Activation.TANH)
                .list()
                .layer(new DenseLayer.Builder().nOut(16).build())
                .layer(new BatchNormalization.Builder().build())
                .layer(new DenseLayer.Builder().nOut(12).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nOut(4)
                        .build())
                .setInputType(InputType.feedForward(10))
                .build());
        model.init();
        return model;
    }

    /** Batches that do not divide evenly: in the last step one rank has none. */
    private static ShardedData data() {
        Nd4j.getRandom().setSeed(3);
        List<DataSet> batches = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            INDArray labels = Nd4j.zeros(6, 4);
            for (int row = 0; row < 6; row++) {
                labels.putScalar(row, (row + i) % 4, 1);
            }
            batches.add(new DataSet(Nd4j.rand(6, 10), labels));
        }
        return ShardedData.of(new ListDataSetIterator<>(batches, 1), Sharding.BATCHES);
    }

    private static INDArray onHost(int microBatches) throws InterruptedException {
        return Gyre.local(RANKS)
                .call(session -> {
                    MultiLayerNetwork model = model();
                    try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .bucketBytes(BUCKET_BYTES)
                            .microBatches(microBatches)
                            .build()) {
                        trainer.fit(data(), EPOCHS);
                    }
                    return model.params().dup();
                })
                .get(0);
    }

    /** Parameters, and the number of buckets copied during each pass. */
    private record Result(INDArray parameters, List<Integer> earlyBuckets) {}

    private static Result onDevice(Session session, Overlap overlap, int microBatches, TrainingListener... listeners) {
        MultiLayerNetwork model = model();
        DuringPass duringPass = new DuringPass();
        model.setListeners(duringPass);
        model.addListeners(listeners);
        Devices devices = DeviceProvider.all().get(0).open();
        try (Played played = new Played(devices, session.world().rank(), model.numParams(), duringPass)) {
            Network network = Network.of(model);
            INDArray home = network.gradients();
            network.moveGradients(played.array(home));
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .overlap(overlap)
                    .bucketBytes(BUCKET_BYTES)
                    .microBatches(microBatches)
                    .gradientsOn(new DeviceGradients.Source(devices, played))
                    .build()) {
                trainer.fit(data(), EPOCHS);
            }
            network.moveGradients(home);
            return new Result(model.params().dup(), duringPass.earlyBuckets);
        }
    }

    /** With one pass for each batch, and with three and four, which ND4J sums on the host and Gyre on the device. */
    @ParameterizedTest
    @CsvSource({"OFF, 1", "ON, 1", "AUTO, 1", "OFF, 3", "ON, 3", "ON, 4"})
    void givesTheBitsOfTheHost(Overlap overlap, int microBatches) throws Exception {
        FakeDriver.load(RANKS, 300);
        INDArray expected = onHost(microBatches);

        List<Result> results = Gyre.local(RANKS).call(session -> onDevice(session, overlap, microBatches));

        for (Result result : results) {
            assertThat(result.parameters().data().asFloat())
                    .isEqualTo(expected.data().asFloat());
        }
        FakeDriver.assertNothingIsLeft();
    }

    /** After the first pass, in which the hooks are checked. */
    @Test
    void copiesBeginDuringTheBackwardPass() throws Exception {
        FakeDriver.load(RANKS, 300);

        List<Result> results = Gyre.local(RANKS).call(session -> onDevice(session, Overlap.ON, 1));

        // Rank 0 has three batches in each epoch. The vector is fetched once at the beginning of a pass, and then by
        // bucket.
        List<Integer> early = results.get(0).earlyBuckets();
        assertThat(early).hasSize(3 * EPOCHS);
        assertThat(early.subList(1, early.size()))
                .allSatisfy(count -> assertThat(count).isGreaterThan(2));
        FakeDriver.assertNothingIsLeft();
    }

    /** As on the host, the place and the rank are those of the first bad value. */
    @ParameterizedTest
    @CsvSource({"OFF, 1", "ON, 1", "ON, 3"})
    void aGradientThatIsNotFiniteNamesItsRankAndItsPlace(Overlap overlap, int microBatches) {
        FakeDriver.load(RANKS, 300);
        Map<Integer, String> messages = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> Gyre.local(RANKS).run(session -> {
                    int rank = session.world().rank();
                    try {
                        onDevice(session, overlap, microBatches, new Spoiling(rank == 1));
                    } catch (GyreException e) {
                        messages.put(rank, String.valueOf(e.getMessage()));
                        throw e;
                    }
                }))
                .isInstanceOf(GyreException.class);

        assertThat(messages).hasSize(RANKS);
        assertThat(messages.values())
                .containsOnly(messages.get(0))
                .first(InstanceOfAssertFactories.STRING)
                .contains("the gradients of step 0, summed over all ranks, are not finite")
                .contains("the first are NaN at element 7 of parameter 0_W on rank 1 (")
                .contains("No update was applied");
    }

    /** Writes NaN after a pass, where the CPU computes. */
    private static final class Spoiling extends BaseTrainingListener {
        private final boolean spoils;

        Spoiling(boolean spoils) {
            this.spoils = spoils;
        }

        @Override
        public void onGradientCalculation(Model model) {
            if (spoils) {
                ((MultiLayerNetwork) model).getFlattenedGradients().putScalar(7, Double.NaN);
            }
        }
    }

    /** Trains on all devices, in a JVM that logs at level INFO. */
    static final class Logged {
        public static void main(String[] arguments) throws InterruptedException {
            FakeDriver.load(RANKS, 0);
            Gyre.local(RANKS).run(session -> onDevice(session, Overlap.ON, 2));
        }
    }

    @Test
    void theLogSaysOnceForEachDeviceWhichKernelsAreUsed(@TempDir Path directory) throws Exception {
        FakeDriver.load(RANKS, 0);
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=info");
        try (RankJvm jvm = RankJvm.start(directory, flags, Map.of(), Logged.class)) {
            assertThat(jvm.awaitExit(Duration.ofMinutes(2))).as(jvm.output()).isZero();
            for (int device = 0; device < RANKS; device++) {
                String name = "device " + device + " (Fake GPU " + device + ")";
                assertThat(jvm.output()).containsOnlyOnce("cuBLAS 12.0 is used on " + name + " for: sum of float32 ");
            }
        }
    }
}
