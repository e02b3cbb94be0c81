package io.gyre.samples.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.runs.RunFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * A run that goes back to its newest checkpoint, since it has lost what no single rank can bring back.
 *
 * @param checkpoints where they are
 * @param files of the run; perhaps none
 */
record GoingBack(Path checkpoints, RunFiles files) {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** One line for the user. */
    String inWords(int time, int times) {
        String count = " (" + time + " of " + times + (times == 1 ? " time)" : " times)");
        OptionalLong newest = DistributedTrainer.newestCheckpoint(checkpoints);
        if (newest.isEmpty()) {
            return "the run has no checkpoint yet, and begins again" + count;
        }
        long step = newest.getAsLong();
        OptionalLong reached = reached();
        String lost = reached.isPresent() && reached.getAsLong() >= step
                ? ": it takes " + (reached.getAsLong() - step) + " steps of rank 0 again, and those of the others"
                : "";
        return "the whole run goes back to its newest checkpoint, of step " + step + " of rank 0" + lost + count;
    }

    /** The last step that rank 0 has reported; empty if it cannot be read here. */
    private OptionalLong reached() {
        try {
            JsonNode step = JSON.readTree(files.rank(0).toFile()).path("step");
            return step.isNumber() ? OptionalLong.of(step.asLong()) : OptionalLong.empty();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }
}
