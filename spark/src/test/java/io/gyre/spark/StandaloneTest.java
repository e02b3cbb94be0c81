package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.spark.DigitsProgram.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An application that is submitted to a master, which starts its executors on a worker. */
@Tag("processes")
@Tag("long")
class StandaloneTest {

    @TempDir
    private Path directory;

    @Test
    void aSubmittedProgramHasTheBitsOfRanksWithoutSpark() throws Exception {
        Path digits = DigitsTest.digits();
        // All classes are on the class path of the hosts: the program's own file is empty.
        Path program = directory.resolve("program.jar");
        new JarOutputStream(Files.newOutputStream(program)).close();
        List<Outcome> without = Gyre.local(2).call(session -> DigitsProgram.train(session, digits, 8));

        try (StandaloneCluster cluster = StandaloneCluster.open(directory, 2, "2g")) {
            String output = cluster.submit(List.of(
                    "--total-executor-cores",
                    "2",
                    "--executor-cores",
                    "1",
                    "--executor-memory",
                    "1g",
                    "--conf",
                    "spark.executor.extraJavaOptions=" + GyreSpark.JVM_FLAG,
                    "--conf",
                    "spark.executor.extraClassPath=" + LocalSpark.classPath(),
                    "--conf",
                    "spark.scheduler.minRegisteredResourcesRatio=1.0",
                    "--conf",
                    "spark.ui.enabled=false",
                    "--class",
                    DigitsProgram.class.getName(),
                    program.toString(),
                    digits.toString(),
                    "ranks",
                    "2",
                    "8"));

            assertThat(output).contains("digits: " + without.get(0));
        }
    }
}
