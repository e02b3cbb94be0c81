package io.gyre.spark;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.session.Session;
import io.gyre.spark.RankOutcome.End;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.BarrierTaskInfo;
import org.apache.spark.SparkEnv;
import org.deeplearning4j.exception.DL4JException;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/**
 * The task of one rank in a barrier stage: the ranks meet, and run the program. Rank and number of ranks are those of
 * the tasks; rank 0 chooses a free port on its host and tells the others through Spark.
 *
 * @param <T> element of the data
 */
final class RankTask<T> extends AbstractFunction1<scala.collection.Iterator<T>, scala.collection.Iterator<RankOutcome>>
        implements Serializable {

    private static final long serialVersionUID = 1;

    /** A rank's program, with this rank's part of the data. */
    interface Body<T> extends Serializable {
        Serializable run(Session session, int attempt, Iterator<T> data) throws Exception;
    }

    private final Body<T> body;
    private final byte[] secret;
    private final Duration joinTimeout;

    /**
     * Creates the task.
     *
     * @param secret of the run, {@link RunSecret#MIN_BYTES} bytes
     */
    RankTask(Body<T> body, byte[] secret, Duration joinTimeout) {
        this.body = body;
        this.secret = secret.clone();
        this.joinTimeout = joinTimeout;
    }

    @Override
    public scala.collection.Iterator<RankOutcome> apply(scala.collection.Iterator<T> data) {
        BarrierTaskContext task = BarrierTaskContext.get();
        SparkEnv executor = SparkEnv.get();
        // A killed task is told by a flag; an application that ends tells its tasks nothing.
        KillWatch watch = new KillWatch(task.partitionId(), () -> isToEnd(task, executor));
        try {
            RankOutcome outcome = run(task, watch, CollectionConverters.asJava(data));
            return CollectionConverters.asScala(List.of(outcome).iterator());
        } finally {
            watch.close();
        }
    }

    /** Spark's own waits for the other tasks look at the flag of the task alone, which nobody sets for a lost driver. */
    private static boolean isToEnd(BarrierTaskContext task, SparkEnv executor) {
        if (executor.isStopped() && !task.isInterrupted()) {
            task.markInterrupted("the application has ended");
        }
        return task.isInterrupted();
    }

    private RankOutcome run(BarrierTaskContext task, KillWatch watch, Iterator<T> data) {
        int rank = task.partitionId();
        try (Session session = AeronSession.join(meet(task))) {
            try {
                return RankOutcome.done(rank, body(session, task.stageAttemptNumber(), data, watch));
            } catch (Throwable failure) {
                // Before the session closes, so that the others see a failure, not a rank that left.
                session.fail(String.valueOf(failure.getMessage()));
                throw failure;
            }
        } catch (PeerLostException e) {
            task.killTaskIfInterrupted();
            return RankOutcome.failed(rank, End.PEER_LOST, e);
        } catch (IllegalArgumentException | GyreException | DL4JException e) {
            task.killTaskIfInterrupted();
            return RankOutcome.failed(rank, End.FAILED, e);
        } catch (OutOfMemoryError e) {
            return RankOutcome.failed(rank, End.FAILED, tooLittleMemory(e));
        } catch (RuntimeException | Error e) {
            task.killTaskIfInterrupted();
            if (e instanceof IllegalStateException
                    && String.valueOf(e.getMessage()).contains("--add-opens")) {
                return RankOutcome.failed(rank, End.FAILED, withoutFlag(e));
            }
            throw e;
        } catch (Exception e) {
            task.killTaskIfInterrupted();
            throw new GyreException("rank " + rank + " failed: " + e, e);
        }
    }

    private Serializable body(Session session, int attempt, Iterator<T> data, KillWatch watch) throws Exception {
        try {
            return body.run(session, attempt, data);
        } finally {
            // Leaving the run is not to be interrupted.
            watch.close();
        }
    }

    private static GyreException withoutFlag(Throwable e) {
        return new GyreException(
                e.getMessage() + ". On Spark, add to the submission: --conf \"spark.executor.extraJavaOptions="
                        + GyreSpark.JVM_FLAG + "\", and with a local master --driver-java-options \""
                        + GyreSpark.JVM_FLAG + "\"",
                e);
    }

    private static GyreException tooLittleMemory(OutOfMemoryError e) {
        return new GyreException(
                "the executor has too little memory (" + e.getMessage() + "): its heap is of "
                        + (Runtime.getRuntime().maxMemory() >> 20) + " MB (spark.executor.memory), and ND4J refuses to"
                        + " take more than four heaps in total: give it more, or make batchSize smaller",
                e);
    }

    private JoinOptions meet(BarrierTaskContext task) {
        BarrierTaskInfo[] tasks = task.getTaskInfos();
        int rank = task.partitionId();
        String host = host(tasks[rank]);
        String place = task.allGather(rank == 0 ? host + ":" + freePort(host) : "")[0];
        return JoinOptions.builder(rank, tasks.length, place)
                .bind(host)
                .secret(RunSecret.of(secret))
                .ranksOnHost((int) Arrays.stream(tasks)
                        .filter(each -> host(each).equals(host))
                        .count())
                .joinTimeout(joinTimeout)
                .build();
    }

    /** Spark writes an IPv6 address in brackets. */
    private static String host(BarrierTaskInfo task) {
        String address = task.address();
        int colon = address.lastIndexOf(':');
        String host = colon < 0 ? address : address.substring(0, colon);
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    private static int freePort(String host) {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(host))) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException("no port can be opened on " + host + ", this executor's address", e);
        }
    }
}
