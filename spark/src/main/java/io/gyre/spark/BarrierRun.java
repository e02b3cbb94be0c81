package io.gyre.spark;

import io.gyre.GyreException;
import io.gyre.spark.RankOutcome.End;
import io.gyre.transport.RunSecret;
import java.io.Serializable;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.RDD;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * Runs ranks as the tasks of one barrier stage, which Spark starts together.
 *
 * <p>The stage ends in a shuffle of its few results, because Spark repeats such a stage after a failure, as a whole, but
 * not one whose results it collects.
 */
final class BarrierRun {

    private static final ClassTag<RankOutcome> OUTCOME = ClassTag$.MODULE$.apply(RankOutcome.class);

    private BarrierRun() {}

    /**
     * Runs one rank for each partition.
     *
     * @return results by rank
     * @throws GyreException if a rank's program failed, or Spark gave up
     */
    static <T> List<Serializable> run(JavaRDD<T> data, RankTask.Body<T> body, Duration joinTimeout) {
        byte[] secret = new byte[RunSecret.MIN_BYTES];
        new SecureRandom().nextBytes(secret);
        RDD<RankOutcome> outcomes =
                data.rdd().barrier().mapPartitions(new RankTask<>(body, secret, joinTimeout), false, OUTCOME);
        return results(collect(new JavaRDD<>(outcomes, OUTCOME), data.getNumPartitions()));
    }

    private static List<RankOutcome> collect(JavaRDD<RankOutcome> outcomes, int ranks) {
        SparkContext context = outcomes.context();
        String tag = "gyre-" + UUID.randomUUID();
        context.addJobTag(tag);
        try {
            List<RankOutcome> all = new ArrayList<>(outcomes.repartition(1).collect());
            all.sort(Comparator.comparingInt(RankOutcome::rank));
            return all;
        } catch (Exception e) { // Spark throws checked exceptions through methods that declare none.
            if (e instanceof InterruptedException) {
                context.cancelJobsWithTag(tag);
                Thread.currentThread().interrupt();
                throw new GyreException("the driver was interrupted, and has cancelled the run on Spark", e);
            }
            if (e instanceof SparkException && String.valueOf(e.getMessage()).contains("SPARK-24819")) {
                throw new GyreException(tooFewSlots(ranks, context), e);
            }
            throw new GyreException("the run on Spark failed: " + e.getMessage(), e);
        } finally {
            context.removeJobTag(tag);
        }
    }

    private static String tooFewSlots(int ranks, SparkContext context) {
        // One of them is the driver, which runs no tasks unless the master is local.
        int executors = context.statusTracker().getExecutorInfos().length - (context.isLocal() ? 0 : 1);
        return ranks + " ranks need " + ranks + " tasks that run at the same time, and Spark has too few cores for"
                + " them, on " + executors + " executor(s): ask for fewer ranks, or for more executors or cores. An"
                + " executor does not start where no worker has its cores (spark.executor.cores) and its memory"
                + " (spark.executor.memory)";
    }

    private static List<Serializable> results(List<RankOutcome> outcomes) {
        for (End end : List.of(End.FAILED, End.PEER_LOST)) {
            for (RankOutcome outcome : outcomes) {
                if (outcome.end() == end) {
                    throw new GyreException("rank " + outcome.rank() + " failed on Spark: " + outcome.message());
                }
            }
        }
        return outcomes.stream()
                .map(outcome -> Objects.requireNonNull(outcome.value()))
                .toList();
    }
}
