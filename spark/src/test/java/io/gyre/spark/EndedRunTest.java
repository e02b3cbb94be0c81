package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.session.Session;
import io.gyre.testkit.Eventually;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.dataset.DataSet;

/** Runs that are ended from outside, and runs beside each other. */
@Timeout(120)
@Tag("processes")
class EndedRunTest {

    private static final int FOREVER = 1_000_000;

    /** Reached by tasks, which are threads of this JVM. */
    private static CountDownLatch started;

    private static CountDownLatch ended;

    private final ExecutorService drivers = Executors.newCachedThreadPool();
    private SparkSession spark;
    private JavaSparkContext context;

    @BeforeEach
    void start() {
        spark = LocalSpark.threads(4);
        context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        started = new CountDownLatch(2);
        ended = new CountDownLatch(2);
    }

    @AfterEach
    void stop() throws InterruptedException {
        spark.stop();
        drivers.shutdownNow();
        assertThat(drivers.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
    }

    /** Waits for the others for ever. */
    private static String waiting(Session session) {
        started.countDown();
        try {
            if (session.world().rank() == 0) {
                session.exchange("never", new byte[0]);
            }
            new CountDownLatch(1).await();
            return "";
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            ended.countDown();
        }
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(1, TimeUnit.MINUTES)).isTrue();
    }

    private JavaRDD<DataSet> examples() {
        return context.parallelize(Spirals.dataSets(64, 1), 2);
    }

    /** Each rank counts {@link #started} when it begins to read them. */
    private JavaRDD<DataSet> startingExamples(int ranks) {
        return context.parallelize(Spirals.dataSets(64, 1), ranks).mapPartitions(sets -> {
            started.countDown();
            return sets;
        });
    }

    private GyreSpark<MultiLayerNetwork> gyre(int ranks) {
        return GyreSpark.builder(context, Spirals.model())
                .ranks(ranks)
                .batchSize(16)
                .build();
    }

    private Future<?> inGroup(String group, Runnable run) {
        return drivers.submit(() -> {
            context.setJobGroup(group, group);
            run.run();
        });
    }

    /** All slots are free again. */
    private void assertNothingIsLeft() throws Exception {
        assertThat(gyre(4).fit(examples(), 1).getEpochCount()).isEqualTo(1);
        assertThat(scratchDirectories()).isEmpty();
        assertNoThreadsNorMemory();
    }

    private static List<Path> scratchDirectories() throws IOException {
        List<Path> found = new ArrayList<>();
        for (File disk : SparkEnv.get().blockManager().diskBlockManager().localDirs()) {
            try (Stream<Path> paths = Files.list(disk.toPath())) {
                paths.filter(path -> path.getFileName().toString().startsWith("gyre-"))
                        .forEach(found::add);
            }
        }
        return found;
    }

    private static void assertNoThreadsNorMemory() throws IOException {
        try {
            Eventually.that("the ranks' threads end", () -> threads().isEmpty());
        } catch (AssertionError e) {
            throw new AssertionError("these threads have not ended: " + threads(), e);
        }
        Path ofUser = Path.of("/dev/shm", "gyre-" + System.getProperty("user.name"));
        if (Files.isDirectory(ofUser)) {
            try (Stream<Path> paths = Files.list(ofUser)) {
                assertThat(paths.map(path -> path.getFileName().toString()))
                        .noneMatch(
                                name -> name.startsWith(ProcessHandle.current().pid() + "-"));
            }
        }
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("gyre-") || name.startsWith("aeron"))
                .toList();
    }

    @Test
    void ranksOfACancelledJobEndWhereverTheyWait() throws Exception {
        Future<?> run = inGroup("waits", () -> GyreSpark.run(context, 2, (session, attempt) -> waiting(session)));
        await(started);

        context.cancelJobGroup("waits");

        assertThatThrownBy(run::get)
                .cause()
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("cancelled")
                .hasMessageContaining("waits");
        await(ended);
        assertNothingIsLeft();
    }

    @Test
    void aCancelledTrainingLeavesNothing() throws Exception {
        for (int ranks = 1; ranks <= 2; ranks++) {
            int number = ranks;
            started = new CountDownLatch(ranks);
            // One rank has nobody to wait for, and would notice no interrupt there.
            Future<?> run = inGroup("trains", () -> gyre(number).fit(startingExamples(number), FOREVER));
            await(started);

            context.cancelJobGroup("trains");

            assertThatThrownBy(run::get)
                    .cause()
                    .isInstanceOf(GyreException.class)
                    .hasMessageContaining("cancelled");
            assertNothingIsLeft();
        }
    }

    @Test
    void aDriverThatIsInterruptedCancelsItsRun() throws Exception {
        CountDownLatch thrown = new CountDownLatch(1);
        Future<String> run = drivers.submit(() -> {
            try {
                return "" + gyre(2).fit(startingExamples(2), FOREVER);
            } catch (GyreException e) {
                return e.getMessage() + Thread.currentThread().isInterrupted();
            } finally {
                thrown.countDown();
            }
        });
        await(started);

        drivers.shutdownNow();

        await(thrown);
        assertThat(run.get()).isEqualTo("the driver was interrupted, and has cancelled the run on Sparktrue");
        assertNothingIsLeft();
    }

    @Test
    void aContextThatIsStoppedEndsItsRanks() throws Exception {
        Future<?> run = inGroup("waits", () -> GyreSpark.run(context, 2, (session, attempt) -> waiting(session)));
        await(started);

        context.stop();

        assertThatThrownBy(run::get)
                .cause()
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("SparkContext was shut down");
        await(ended);
        assertNoThreadsNorMemory();
    }

    @Test
    void aTrainingWhoseContextIsStoppedSaysSo() throws Exception {
        Future<?> run = inGroup("trains", () -> gyre(2).fit(startingExamples(2), FOREVER));
        await(started);

        context.stop();

        assertThatThrownBy(run::get)
                .cause()
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("SparkContext was shut down");
        assertNoThreadsNorMemory();
    }

    @Test
    void twoRunsOfOneDriverAreIndependent() throws Exception {
        MultiLayerNetwork alone = gyre(2).fit(examples(), 5);

        // 2 + 2 + 3 ranks and 4 slots: one run or more wait for another.
        Future<MultiLayerNetwork> first = drivers.submit(() -> gyre(2).fit(examples(), 5));
        Future<MultiLayerNetwork> second = drivers.submit(() -> gyre(2).fit(examples(), 5));
        Future<MultiLayerNetwork> third = drivers.submit(() -> gyre(3).fit(examples(), 5));

        long seconds = Duration.ofMinutes(1).toSeconds();
        assertThat(first.get(seconds, TimeUnit.SECONDS).params()).isEqualTo(alone.params());
        assertThat(second.get(seconds, TimeUnit.SECONDS).params()).isEqualTo(alone.params());
        assertThat(third.get(seconds, TimeUnit.SECONDS).getEpochCount()).isEqualTo(5);
    }
}
