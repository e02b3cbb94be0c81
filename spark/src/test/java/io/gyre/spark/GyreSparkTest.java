package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.allreduce.Algorithm;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.ShardedData;
import io.gyre.local.Gyre;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.StrategyOptions.Kind;
import io.gyre.session.Session;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.dataset.DataSet;

/** Training with ranks that are threads of a Spark application. */
class GyreSparkTest {

    private static final Columns COLUMNS = Columns.features("x", "y").label("spiral", 2);

    private static SparkSession spark;
    private static JavaSparkContext context;

    @TempDir
    private Path directory;

    @BeforeAll
    static void start() {
        spark = LocalSpark.threads(4);
        context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    }

    @AfterAll
    static void stop() {
        spark.stop();
    }

    private static StructType schema() {
        return new StructType()
                .add("x", DataTypes.DoubleType)
                .add("y", DataTypes.FloatType)
                .add("spiral", DataTypes.IntegerType);
    }

    private static Dataset<Row> frame(int points, long seed) {
        List<Row> rows = new ArrayList<>();
        for (Spirals.Point point : Spirals.points(points, seed)) {
            rows.add(RowFactory.create(point.x(), (float) point.y(), point.spiral()));
        }
        return spark.createDataFrame(rows, schema());
    }

    private static GyreSparkBuilder<MultiLayerNetwork> builder(int ranks) {
        return GyreSpark.builder(context, Spirals.model()).ranks(ranks).batchSize(16);
    }

    @Test
    void aFrameIsLearned() {
        GyreSpark<MultiLayerNetwork> gyre = builder(3).build();

        MultiLayerNetwork trained = gyre.fit(frame(600, 1), COLUMNS, 60);

        assertThat(gyre.network()).isSameAs(trained);
        assertThat(trained.getEpochCount()).isEqualTo(60);
        assertThat(gyre.evaluate(frame(200, 2), COLUMNS).accuracy()).isGreaterThan(0.95);
    }

    @Test
    void anRddWithUnevenAndEmptyPartitionsIsReadWhole() {
        JavaRDD<DataSet> data = context.parallelize(Spirals.dataSets(100, 1), 4)
                .mapPartitionsWithIndex(
                        (index, sets) -> index == 2 ? Collections.<DataSet>emptyIterator() : sets, true);

        MultiLayerNetwork trained = builder(4).build().fit(data, 2);

        // 25 examples in each of three partitions: two steps of 16 and 9, with no rank left out of an epoch's end.
        assertThat(trained.getIterationCount()).isEqualTo(4);
    }

    @Test
    void partitionsThatAreMergedOrJoinedAreDividedAnew() {
        JavaRDD<DataSet> four = context.parallelize(Spirals.dataSets(64, 1), 4);
        JavaRDD<DataSet> one = context.parallelize(Spirals.dataSets(32, 1), 1);

        assertThat(builder(2).build().fit(four.coalesce(2), 1).getIterationCount())
                .isEqualTo(2);
        assertThat(builder(2).build().fit(one.union(one), 1).getIterationCount())
                .isEqualTo(2);
        assertThat(builder(2).build().fit(frame(64, 1).coalesce(2), COLUMNS, 1).getEpochCount())
                .isEqualTo(1);
    }

    @Test
    void theSameProgramHasTheBitsOfRanksWithoutSpark() throws Exception {
        List<String> without = Gyre.local(3).call(session -> hash(session));

        assertThat(GyreSpark.run(context, 3, (session, attempt) -> hash(session)))
                .isEqualTo(without);
    }

    private static String hash(Session session) {
        MultiLayerNetwork model = Spirals.model();
        try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                .algorithm(Algorithm.AUTO)
                .build()) {
            DataSet all = DataSet.merge(Spirals.dataSets(100, 1));
            trainer.fit(ShardedData.of(ExampleSource.of(all), 8, 1), 3);
            return trainer.parametersSha256();
        }
    }

    @Test
    void otherStrategiesTrain() {
        GyreSpark<MultiLayerNetwork> gyre = builder(2)
                .strategy(() -> StrategyOptions.builder(Kind.ELASTIC).period(2).build())
                .build();

        gyre.fit(frame(400, 1), COLUMNS, 40);

        assertThat(gyre.evaluate(frame(200, 2), COLUMNS).accuracy()).isGreaterThan(0.9);
    }

    @Test
    void filesAreReadByTheExecutors() throws Exception {
        for (int i = 0; i < 5; i++) {
            try (OutputStream out = Files.newOutputStream(directory.resolve("part-" + i + ".bin"))) {
                DataSet.merge(Spirals.dataSets(20, i)).save(out);
            }
        }

        MultiLayerNetwork trained = builder(2).build().fit(directory.toUri().toString(), 1);

        assertThat(trained.getIterationCount()).isEqualTo(4);
    }

    @Test
    void aRunThatEndedIsContinuedByTheNext() {
        String checkpoints = directory.resolve("checkpoints").toUri().toString();
        MultiLayerNetwork whole = builder(2).build().fit(partitions(), 4);

        builder(2).checkpointDirectory(checkpoints).build().fit(partitions(), 2);
        MultiLayerNetwork resumed =
                builder(2).checkpointDirectory(checkpoints).resume(true).build().fit(partitions(), 4);

        assertThat(resumed.getEpochCount()).isEqualTo(4);
        assertThat(resumed.params()).isEqualTo(whole.params());
        assertThatThrownBy(() ->
                        builder(2).checkpointDirectory(checkpoints).build().fit(partitions(), 2))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining(checkpoints)
                .hasMessageContaining("of another run");
    }

    private static JavaRDD<DataSet> partitions() {
        return context.parallelize(Spirals.dataSets(64, 1), 2);
    }

    @Test
    void badValuesAreNamed() {
        List<Row> rows = new ArrayList<>();
        rows.add(RowFactory.create(0.5, 0.5f, 1));
        rows.add(RowFactory.create(Double.NaN, 0.5f, 1));
        Dataset<Row> frame = spark.createDataFrame(rows, schema()).repartition(1);

        assertThatThrownBy(() -> builder(1).build().fit(frame, COLUMNS, 1))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("row", "of partition 0", "column x is NaN");
        assertThatThrownBy(() -> builder(1).build().evaluate(frame, COLUMNS))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("row", "of partition 0", "column x is NaN");
    }

    @Test
    void aClassThatTheModelLacksIsNamed() {
        Dataset<Row> frame = spark.createDataFrame(List.of(RowFactory.create(0.5, 0.5f, 7)), schema());

        assertThatThrownBy(() -> builder(2).build().fit(frame, COLUMNS, 1))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("column spiral is [7.0]", "no class from 0 to 1");
    }

    @Test
    void columnsAreCheckedBeforeAnyTaskStarts() {
        Dataset<Row> frame = frame(2, 1);

        assertThatThrownBy(() ->
                        builder(1).build().fit(frame, Columns.features("z").label("spiral", 2), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no column z: the frame has x, y, spiral");
        assertThatThrownBy(() -> builder(1).build().fit(frame, Columns.features("x"), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no label");
        assertThatThrownBy(() -> builder(1)
                        .build()
                        .fit(
                                frame.selectExpr("cast(x as string) x", "spiral"),
                                Columns.features("x").label("spiral", 2),
                                1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("column x is of type string");
    }

    @Test
    void aFrameWithoutRowsIsNamed() {
        assertThatThrownBy(() -> builder(2).build().fit(frame(0, 1), COLUMNS, 1))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("no rank has any examples");
    }

    @Test
    void aRankWhoseProgramIsWrongEndsTheJob() {
        assertThatThrownBy(() -> GyreSpark.run(context, 2, (session, attempt) -> {
                    if (session.world().rank() == 1) {
                        throw new IllegalArgumentException("no such file");
                    }
                    session.exchange("the end", new byte[0]);
                    return "";
                }))
                .isInstanceOf(GyreException.class)
                .hasMessage("rank 1 failed on Spark: no such file");
    }

    @Test
    void anUnexpectedFailureStartsAllRanksAgain() {
        List<Integer> attempts = GyreSpark.run(context, 2, (session, attempt) -> {
            if (session.world().rank() == 1 && attempt == 0) {
                throw new java.io.IOException("planted");
            }
            session.exchange("the end", new byte[0]);
            return attempt;
        });

        assertThat(attempts).containsExactly(1, 1);
    }
}
