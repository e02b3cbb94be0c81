package io.gyre.samples.train;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.runs.DurableFile;
import io.gyre.runs.MetricsFile;
import io.gyre.runs.RunFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A run that goes back to its newest checkpoint, since it has lost what no single rank can bring back.
 *
 * @param checkpoints where they are
 * @param files of the run; perhaps none
 */
record GoingBack(Path checkpoints, RunFiles files) {

    private static final Logger LOG = LoggerFactory.getLogger(GoingBack.class);

    /** One line for the user. */
    String inWords(int time, int times) {
        String count = " (" + time + " of " + times + (times == 1 ? " time)" : " times)");
        OptionalLong newest = DistributedTrainer.newestCheckpoint(checkpoints);
        if (newest.isEmpty()) {
            return "the run has no checkpoint yet, and begins again" + count;
        }
        long step = newest.getAsLong();
        long lost = reached() - step;
        return "the whole run goes back to its newest checkpoint, of step " + step + " of rank 0"
                + (lost > 0 ? ": it takes " + lost + " steps or more of rank 0 again" : "") + count;
    }

    /** The last step in the curves of rank 0, which are written every so many steps; -1 if there are none here. */
    private long reached() {
        if (!Files.exists(files.metrics())) {
            return -1;
        }
        try {
            List<MetricsFile.Line> lines = MetricsFile.lines(files.metrics());
            return lines.isEmpty() ? -1 : lines.get(lines.size() - 1).step();
        } catch (IOException e) {
            LOG.warn("{} cannot be read: {}", files.metrics(), DurableFile.reason(e));
            return -1;
        }
    }
}
