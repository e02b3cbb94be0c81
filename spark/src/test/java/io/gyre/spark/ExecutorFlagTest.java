package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Executors that were started without Aeron's JVM flag; {@link LostExecutorTest} has such with it. */
@Tag("processes")
class ExecutorFlagTest {

    @Test
    void theLineToAddIsSaidAtOnce() throws Exception {
        try (SparkSession spark = LocalSpark.withExecutors(1).getOrCreate()) {
            JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());

            assertThatThrownBy(() -> GyreSpark.run(context, 1, (session, attempt) -> ""))
                    .isInstanceOf(GyreException.class)
                    .hasMessageStartingWith("rank 0 failed on Spark: ")
                    .hasMessageContaining("--conf \"spark.executor.extraJavaOptions=" + GyreSpark.JVM_FLAG + "\"");
        }
    }
}
