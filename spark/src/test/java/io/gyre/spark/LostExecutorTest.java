package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.session.Session;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Ranks in executors that are processes of their own, one of which dies. */
@Tag("processes")
class LostExecutorTest {

    @TempDir
    private Path directory;

    @Test
    void ranksContinueFromTheLastCheckpoint() throws Exception {
        Path died = directory.resolve("died");
        try (SparkSession spark = LocalSpark.processes(2)) {
            JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
            JavaRDD<DataSet> data = context.parallelize(Spirals.dataSets(64, 1), 2);
            JavaRDD<MultiDataSet> dying = data.map(DataSet::toMultiDataSet);
            String checkpoints = directory.resolve("checkpoints").toUri().toString();

            MultiLayerNetwork whole = builder(context).build().fit(data, 3);
            builder(context).checkpointDirectory(checkpoints).build().fit(data, 2);
            // The second application reads its data for the third epoch, and one of its executors dies.
            MultiLayerNetwork resumed = builder(context)
                    .checkpointDirectory(checkpoints)
                    .resume(true)
                    .build()
                    .fitMultiDataSet(dying.mapPartitionsWithIndex(new DiesOnce<>(died.toString()), true), 3);

            assertThat(died).exists();
            assertThat(resumed.getEpochCount()).isEqualTo(3);
            assertThat(resumed.params()).isEqualTo(whole.params());
            List<Long> processes = GyreSpark.run(context, 2, (session, attempt) -> pid(session));
            assertThat(processes)
                    .doesNotHaveDuplicates()
                    .doesNotContain(ProcessHandle.current().pid());
        }
    }

    private static long pid(Session session) {
        session.exchange("the end", new byte[0]);
        return ProcessHandle.current().pid();
    }

    private static GyreSparkBuilder<MultiLayerNetwork> builder(JavaSparkContext context) {
        return GyreSpark.builder(context, Spirals.model()).ranks(2).batchSize(16);
    }
}
