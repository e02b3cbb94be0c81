package io.gyre.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;

/** Spark applications of the tests. */
final class LocalSpark {

    private LocalSpark() {}

    /** An application with so many task slots in this JVM. */
    static SparkSession threads(int slots) {
        // All slots are there from the start: too few are reported after one more look.
        return builder("local[" + slots + "]")
                .config("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s")
                .config("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "1")
                .getOrCreate();
    }

    /** An application with executors that are JVMs of their own, each with one slot. */
    static SparkSession processes(int executors) {
        return withExecutors(executors)
                .config("spark.executor.extraJavaOptions", GyreSpark.JVM_FLAG)
                .getOrCreate();
    }

    /** As {@link #processes}, with executors that lack the JVM flag. */
    static SparkSession.Builder withExecutors(int executors) {
        String home = System.getenv("SPARK_HOME");
        try {
            Files.createDirectories(Path.of(home, "jars"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return builder("local-cluster[" + executors + ",1,1024]").config("spark.executor.extraClassPath", classPath());
    }

    /** Of the tests, with Spark's. */
    static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    static SparkSession.Builder builder(String master) {
        return SparkSession.builder()
                .master(master)
                .appName("gyre")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.ui.enabled", "false")
                .config("spark.sql.shuffle.partitions", "4")
                .config("spark.executor.heartbeatInterval", "1s")
                .config("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "2s")
                .config("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "60")
                .config("spark.scheduler.minRegisteredResourcesRatio", "1.0");
    }
}
