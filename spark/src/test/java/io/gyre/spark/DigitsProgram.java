package io.gyre.spark;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.ShardedData;
import io.gyre.samples.data.DataDirectory;
import io.gyre.samples.data.ImageSet;
import io.gyre.samples.data.ImageShape;
import io.gyre.samples.data.Images;
import io.gyre.samples.model.SampleModel;
import io.gyre.session.Session;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Trains the LeNet of {@code gyre train lenet} on the files of MNIST, as an application of Spark. Arguments: the
 * directory of the files; {@code frame} or {@code rdd}, or {@code ranks} for the very program of {@code gyre train}; the
 * number of ranks; the number of epochs, and of steps for {@code ranks}; optionally a directory of checkpoints.
 */
public final class DigitsProgram {

    private static final int BATCH = 16;
    private static final long SEED = 1;
    private static final Columns COLUMNS = Columns.image("image", 28, 28, 1).label("digit", 10);
    private static final StructType SCHEMA =
            new StructType().add("image", DataTypes.BinaryType).add("digit", DataTypes.IntegerType);

    private final SparkSession spark;
    private final JavaSparkContext context;
    private final ImageSet digits;
    private final int ranks;

    DigitsProgram(SparkSession spark, Path directory, int ranks) {
        this.spark = spark;
        this.context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        this.digits = digits(directory);
        this.ranks = ranks;
    }

    /** Runs in the driver. */
    public static void main(String[] arguments) throws IOException {
        try (SparkSession spark = SparkSession.builder().appName("digits").getOrCreate()) {
            DigitsProgram program = new DigitsProgram(spark, Path.of(arguments[0]), Integer.parseInt(arguments[2]));
            int length = Integer.parseInt(arguments[3]);
            long start = System.nanoTime();
            if (arguments[1].equals("ranks")) {
                print(program.trainAsWithoutSpark(Path.of(arguments[0]), length).toString(), start);
                return;
            }
            GyreSparkBuilder<MultiLayerNetwork> builder = program.builder();
            if (arguments.length > 4) {
                builder.checkpointDirectory(arguments[4]).resume(true);
            }
            GyreSpark<MultiLayerNetwork> gyre = builder.build();
            Evaluation evaluation =
                    arguments[1].equals("rdd") ? program.trainOnRdd(gyre, length) : program.trainOnFrame(gyre, length);
            print("accuracy %.4f".formatted(evaluation.accuracy()), start);
        }
    }

    private static void print(String result, long start) {
        System.out.printf(Locale.ROOT, "digits: %s, %.1f s%n", result, (System.nanoTime() - start) / 1e9);
    }

    private static ImageSet digits(Path directory) {
        return DataDirectory.open(directory, SampleModel.LENET.defaultPixels());
    }

    GyreSparkBuilder<MultiLayerNetwork> builder() {
        MultiLayerNetwork model = (MultiLayerNetwork) SampleModel.LENET.build(digits.input(), digits.choices(), SEED);
        return GyreSpark.builder(context, model).ranks(ranks).batchSize(BATCH).seed(SEED);
    }

    /** Images as bytes of PNG files. */
    Evaluation trainOnFrame(GyreSpark<MultiLayerNetwork> gyre, int epochs) {
        gyre.fit(frame(digits.train()), COLUMNS, epochs);
        return gyre.evaluate(frame(digits.heldOut()), COLUMNS);
    }

    private Dataset<Row> frame(Images images) {
        JavaRDD<Row> rows = context.parallelize(
                elements(images.size(), i -> RowFactory.create(png(images, i), images.label(i))), ranks);
        return spark.createDataFrame(rows, SCHEMA);
    }

    private byte[] png(Images images, int index) {
        ImageShape shape = digits.shape();
        float[] values = new float[shape.values()];
        images.read(index, values, 0);
        BufferedImage image = new BufferedImage(shape.width(), shape.height(), BufferedImage.TYPE_BYTE_GRAY);
        for (int i = 0; i < values.length; i++) {
            image.getRaster().setSample(i % shape.width(), i / shape.width(), 0, Math.round(255 * values[i]));
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** Each element is one example. */
    Evaluation trainOnRdd(GyreSpark<MultiLayerNetwork> gyre, int epochs) {
        gyre.fit(rdd(digits.examples()), epochs);
        return gyre.evaluate(rdd(digits.heldOutExamples()));
    }

    private JavaRDD<DataSet> rdd(ExampleSource source) {
        return context.parallelize(elements(source.size(), i -> example(source, i)), ranks);
    }

    private static DataSet example(ExampleSource source, int index) {
        MultiDataSet example = source.load(new int[] {index});
        return new DataSet(example.getFeatures(0), example.getLabels(0));
    }

    private static <T> List<T> elements(int count, IntFunction<T> element) {
        return new ArrayList<>(IntStream.range(0, count).mapToObj(element).toList());
    }

    /** Each rank reads the files, which are on all hosts, and takes its share of each epoch's order. */
    Outcome trainAsWithoutSpark(Path directory, int steps) {
        String path = directory.toString();
        return GyreSpark.run(context, ranks, (session, attempt) -> train(session, Path.of(path), steps))
                .get(0);
    }

    /** What {@code gyre train lenet} does on each rank. */
    static Outcome train(Session session, Path directory, int steps) {
        ImageSet set = digits(directory);
        MultiLayerNetwork model = (MultiLayerNetwork) SampleModel.LENET.build(set.input(), set.choices(), SEED);
        try (DistributedTrainer trainer =
                DistributedTrainer.builder(model, session).seed(SEED).build()) {
            trainer.fitSteps(ShardedData.of(set.examples(), BATCH, SEED), steps);
            double accuracy = trainer.evaluate(ShardedData.of(set.heldOutExamples(), 100, SEED))
                    .accuracy();
            return new Outcome(accuracy, trainer.parametersSha256());
        }
    }

    /** How a training ends on each rank. */
    record Outcome(double accuracy, String parametersSha256) implements java.io.Serializable {

        @Override
        public String toString() {
            return "accuracy %.4f, parameters %s".formatted(accuracy, parametersSha256);
        }
    }
}
