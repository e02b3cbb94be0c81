package io.gyre.spark;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.apache.spark.Dependency;
import org.apache.spark.NarrowDependency;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.RDD;
import scala.jdk.javaapi.CollectionConverters;

/** Divides data into one partition for each rank. */
final class RankPartitions {

    private RankPartitions() {}

    /**
     * Returns the data as they are if they have as many partitions as there are ranks, and Spark accepts them in a
     * barrier stage; otherwise divided anew, by a shuffle.
     */
    static <T> JavaRDD<T> of(JavaRDD<T> data, int ranks) {
        return fits(data.rdd(), ranks) ? data : data.repartition(ranks);
    }

    /** Spark refuses a stage in which partitions are merged or left out: after {@code coalesce} or {@code union}. */
    private static boolean fits(RDD<?> data, int ranks) {
        Set<Integer> seen = new HashSet<>();
        Deque<RDD<?>> ofStage = new ArrayDeque<>();
        ofStage.push(data);
        while (!ofStage.isEmpty()) {
            RDD<?> next = ofStage.pop();
            if (next.getNumPartitions() != ranks) {
                return false;
            }
            for (Dependency<?> dependency : CollectionConverters.asJava(next.dependencies())) {
                if (dependency instanceof NarrowDependency<?>
                        && seen.add(dependency.rdd().id())) {
                    ofStage.push(dependency.rdd());
                }
            }
        }
        return true;
    }
}
