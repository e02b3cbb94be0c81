package io.gyre.spark;

import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Tuple4;
import scala.jdk.javaapi.CollectionConverters;

/** Logs the progress of a training in the driver, with each heartbeat that reports some. */
final class ProgressLog extends SparkListener implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ProgressLog.class);

    private final SparkContext context;
    private final ProgressAccumulator accumulator = new ProgressAccumulator();
    private long logged;

    ProgressLog(SparkContext context) {
        this.context = context;
        context.register(accumulator, "gyre progress");
        context.addSparkListener(this);
    }

    ProgressAccumulator accumulator() {
        return accumulator;
    }

    @Override
    public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
        for (Tuple4<?, ?, ?, scala.collection.immutable.Seq<AccumulableInfo>> ofTask :
                CollectionConverters.asJava(update.accumUpdates())) {
            for (AccumulableInfo info : CollectionConverters.asJava(ofTask._4())) {
                if (info.id() == accumulator.id()
                        && info.update().isDefined()
                        && info.update().get() instanceof StepProgress progress
                        && progress.step() > logged) {
                    logged = progress.step();
                    LOG.info(
                            "step {}, epoch {}, loss {}",
                            progress.step(),
                            progress.epoch() + 1,
                            String.format("%.4f", progress.loss()));
                }
            }
        }
    }

    /** Ends the logging. A second call does nothing. */
    @Override
    public void close() {
        context.removeSparkListener(this);
    }
}
