package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.StrategyOptions.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** What is wrong with the data or the cluster is said once, and by the rank that found it. */
@Tag("processes")
class BadInputTest {

    private static final StructType SCHEMA = new StructType()
            .add("x", DataTypes.DoubleType)
            .add("y", DataTypes.DoubleType)
            .add("words", DataTypes.createArrayType(DataTypes.StringType))
            .add("spiral", DataTypes.IntegerType);

    private static final Columns COLUMNS = Columns.features("x", "y").label("spiral", 2);

    private static SparkSession spark;
    private static JavaSparkContext context;

    @BeforeAll
    static void start() {
        spark = LocalSpark.threads(3);
        context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    }

    @AfterAll
    static void stop() {
        spark.stop();
    }

    private static GyreSpark<MultiLayerNetwork> gyre(int ranks) {
        return GyreSpark.builder(context, Spirals.model())
                .ranks(ranks)
                .batchSize(16)
                .build();
    }

    private static Dataset<Row> frame(Row... rows) {
        return spark.createDataFrame(context.parallelize(List.of(rows), 1), SCHEMA);
    }

    private static Row row(Double x, Double y, Integer spiral) {
        return RowFactory.create(x, y, null, spiral);
    }

    @ParameterizedTest
    @EnumSource(names = {"ALLREDUCE", "ELASTIC"})
    void fewerRowsThanRanksAreEnough(Kind strategy) {
        GyreSpark<MultiLayerNetwork> gyre = GyreSpark.builder(context, Spirals.model())
                .ranks(3)
                .strategy(() -> StrategyOptions.builder(strategy).build())
                .build();

        MultiLayerNetwork trained = gyre.fit(frame(row(0.5, 0.25, 1)), COLUMNS, 2);

        assertThat(trained.getIterationCount()).isEqualTo(2);
    }

    @Test
    void valuesThatAreNoNumbersAreNamed() {
        assertThatThrownBy(() -> gyre(1).fit(frame(row(0.5, 0.5, 1), row(null, 0.5, 1)), COLUMNS, 1))
                .isInstanceOf(GyreException.class)
                .hasMessage("rank 0 failed on Spark: row 1 of partition 0: column x is null: drop such rows, or fill"
                        + " them, before training");
        assertThatThrownBy(() -> gyre(1).fit(frame(row(0.5, Double.NEGATIVE_INFINITY, 1)), COLUMNS, 1))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("row 0 of partition 0: column y is -Infinity");
        assertThatThrownBy(() -> gyre(1).fit(frame(row(0.5, 1e300, 1)), COLUMNS, 1))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("row 0 of partition 0: column y is 1.0E300");
        assertThatThrownBy(() -> gyre(1).fit(frame(row(0.5, 0.5, null)), COLUMNS, 1))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("row 0 of partition 0: column spiral is null");
    }

    @Test
    void typesThatAreNoNumbersAreNamedBeforeAnyTaskStarts() {
        Dataset<Row> frame = frame(row(0.5, 0.5, 1));

        assertThatThrownBy(() -> gyre(1).fit(frame, Columns.features("words").label("spiral", 2), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("column words is of type array<string>: expected a number, a boolean, an array of numbers"
                        + " or a vector");
        assertThatThrownBy(() -> gyre(1).fit(frame, Columns.features("x", "y").label("words", 2), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("column words is of type array<string>");
        assertThatThrownBy(() -> gyre(1).fit(frame, Columns.image("x", 2, 2, 1).label("spiral", 2), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("column x is of type double: expected bytes of image files");
        assertThatThrownBy(() -> gyre(1).evaluate(frame, Columns.features("z").label("spiral", 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("there is no column z");
    }

    @Test
    void columnsThatDoNotFitTheModelEndTheJob() {
        Dataset<Row> frame = frame(row(0.5, 0.5, 1));

        assertThatThrownBy(() -> gyre(2).fit(frame, Columns.features("x").label("spiral", 2), 1))
                .isInstanceOf(GyreException.class)
                .hasMessageMatching("(?s)rank [01] failed on Spark: .*1.*2.*");
        assertThatThrownBy(() -> gyre(2).fit(frame, Columns.features("x", "y").label("spiral", 3), 1))
                .isInstanceOf(GyreException.class)
                .hasMessageMatching("(?s)rank [01] failed on Spark: .*3.*2.*");
    }

    @Test
    void aDataSetOfAnotherWidthEndsTheJob() {
        List<DataSet> sets = new ArrayList<>(Spirals.dataSets(4, 1));
        sets.add(new DataSet(Nd4j.ones(1, 3), Nd4j.ones(1, 2)));

        assertThatThrownBy(() -> gyre(1).fit(context.parallelize(sets, 1), 1))
                .isInstanceOf(GyreException.class)
                .hasMessageStartingWith("rank 0 failed on Spark: the data sets of a partition have different shapes,"
                        + " and make no batch of 5: ");
    }

    @Test
    void anRddWithoutElementsIsNamed() {
        assertThatThrownBy(() -> gyre(2).fit(context.parallelize(Collections.<DataSet>emptyList(), 2), 1))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("no rank has any examples");
    }

    @Test
    void moreRanksThanSlotsAreRefused() {
        assertThatThrownBy(() -> gyre(4).fit(frame(row(0.5, 0.5, 1)), COLUMNS, 1))
                .isInstanceOf(GyreException.class)
                .hasMessageStartingWith("4 ranks need 4 tasks that run at the same time, and Spark has too few cores"
                        + " for them, on 1 executor(s): ");
    }

    @Test
    void anExecutorWithTooLittleMemoryEndsTheJob() {
        assertThatThrownBy(() -> GyreSpark.run(context, 2, (session, attempt) -> {
                    if (session.world().rank() == 1) {
                        // What JavaCPP throws; an allocation that fails on any machine takes long to fail.
                        throw new OutOfMemoryError("Physical memory usage is too high");
                    }
                    session.exchange("the end", new byte[0]);
                    return "";
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageStartingWith("rank 1 failed on Spark: the executor has too little memory (")
                .hasMessageContainingAll("Physical memory usage is too high", "spark.executor.memory");
    }
}
