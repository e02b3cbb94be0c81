package io.gyre.spark;

import io.gyre.session.Session;
import java.io.Serializable;

/**
 * What each rank of a run on Spark does. Spark serialises it and sends it to the executors.
 *
 * @param <R> result, serialisable
 */
@FunctionalInterface
public interface RankProgram<R extends Serializable> extends Serializable {

    /**
     * Runs on one rank, on the thread of its Spark task.
     *
     * @param session borrowed; all ranks are present
     * @param attempt 0, or how often Spark has started all ranks again after a failure
     * @throws Exception any failure. An {@link IllegalArgumentException}, a {@link io.gyre.GyreException}, an exception of
     *     Deeplearning4j's own and an {@link OutOfMemoryError} end the job, unless another rank was lost; after anything
     *     else Spark starts all ranks again
     */
    R run(Session session, int attempt) throws Exception;
}
