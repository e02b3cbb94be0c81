package io.gyre.samples.train;

import io.gyre.GyreException;
import io.gyre.runs.DurableFile;
import io.gyre.runs.ForkPoint;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunPlan;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunWriter;
import io.gyre.samples.data.SampleData;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens the directory of a run, for the process that keeps it: rank 0, or the launcher of a run with seats.
 *
 * @param files where
 * @param words that repeat the run in another directory, after {@code gyre}
 * @param hosts by rank
 * @param transport among the ranks
 */
record RunOpening(
        TrainOptions options,
        RunFiles files,
        List<String> words,
        SampleData set,
        List<String> hosts,
        String transport) {

    private static final Logger LOG = LoggerFactory.getLogger(RunOpening.class);

    /**
     * Begins the run, or continues the one that is there; null if the directory cannot be written, which is a warning.
     *
     * @param resume whether a run that is there is continued
     * @throws GyreException if it cannot be written, and the run needs what is there
     */
    @Nullable RunWriter open(boolean resume) {
        boolean isThere = resume && files.exist();
        Optional<ForkPoint> from = isThere ? Optional.empty() : options.runs().from();
        RunPlan plan = new RunPlan(
                from.isPresent() ? from.get().parent() : null,
                words,
                setup(),
                hosts,
                options.runs().tensorboard());
        try {
            RunWriter writer = RunWriter.open(files, plan, resume);
            if (from.isPresent()) {
                from.get().copyTo(files);
            }
            return writer;
        } catch (IOException e) {
            if (isThere || from.isPresent()) {
                throw new GyreException(
                        "the run cannot "
                                + from.map(point -> "begin with " + point).orElse("be resumed") + ": "
                                + files.directory() + " cannot be written: " + DurableFile.reason(e),
                        e);
            }
            LOG.warn(
                    "the run is not kept: {} cannot be written: {}. --run-dir DIR names another directory,"
                            + " --no-run-dir says that there is none",
                    files.directory(),
                    DurableFile.reason(e));
            return null;
        }
    }

    private Map<String, Object> setup() {
        WorkloadOptions workload = options.workload();
        Map<String, Object> setup = new LinkedHashMap<>();
        setup.put("model", workload.model().toString());
        setup.put("data", set.name());
        setup.put("data_fingerprint", DataFingerprint.of(set));
        setup.put("seed", workload.seed());
        setup.put("ranks", hosts.size());
        setup.put("batch", workload.batch());
        setup.put("learning_rate", workload.rate());
        setup.put("strategy", options.strategy().kind().toString());
        setup.put("precision", options.precision());
        setup.put("transport", transport);
        workload.epochs().ifPresent(epochs -> setup.put("epochs", epochs));
        workload.steps().ifPresent(steps -> setup.put("steps", steps));
        options.checkpoints()
                .directory()
                .ifPresent(directory -> setup.put(
                        RunRecord.CHECKPOINTS, directory.toAbsolutePath().toString()));
        return setup;
    }
}
