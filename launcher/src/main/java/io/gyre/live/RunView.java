package io.gyre.live;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.runs.BadRunException;
import io.gyre.runs.DurableFile;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import io.gyre.runs.Runs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Follows a run by the files of its directory, under way or ended, and asks nothing of its processes. What is damaged
 * or missing is said, and the rest is shown. Confined to one thread.
 */
final class RunView {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MOST_CURVE_BYTES = 8 << 20;
    private static final int MOST_LOG_BYTES = 32 << 10;
    private static final int MOST_MEMBERSHIP_BYTES = 32 << 10;
    private static final long MOST_STATE_BYTES = 256 << 10;

    private final RunFiles files;
    private final Clock clock;
    private final FileTail curves;
    private final FileTail log;
    private final FileTail membership;

    /** Follows the run of a directory, which need not be there yet. */
    RunView(RunFiles files, Clock clock) {
        this.files = files;
        this.clock = clock;
        curves = new FileTail(files.metrics(), MOST_CURVE_BYTES);
        log = new FileTail(files.log(), MOST_LOG_BYTES);
        membership = new FileTail(files.membership(), MOST_MEMBERSHIP_BYTES);
    }

    /**
     * What has changed.
     *
     * @param directory of the run
     * @param state how it is
     * @param record what {@code run.json} holds; null if that cannot be read
     * @param problem why something cannot be shown; null if all can
     * @param anew whether these lines replace all earlier ones, since the run was resumed at an earlier step
     * @param metrics new lines of the curves, each by name
     * @param log new lines of the log
     * @param membership what became of the processes of a run with seats, new lines
     * @param ranks what each rank says of itself, by rank; those that cannot be seen from here are left out
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record News(
            String directory,
            @Nullable RunState state,
            @Nullable RunRecord record,
            @Nullable String problem,
            boolean anew,
            List<Map<String, Object>> metrics,
            List<String> log,
            List<String> membership,
            List<Rank> ranks) {

        /** Whether nothing follows. */
        @JsonIgnore
        boolean isLast() {
            return state != null && state != RunState.RUNNING;
        }
    }

    /**
     * A rank's state.
     *
     * @param silentSeconds since it was written; grows when the process, or its disk, is stopped
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Rank(RankState state, double silentSeconds) {}

    /** Looks at the files. */
    News look() {
        List<Rank> ranks = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        List<Map<String, Object>> metrics = List.of();
        List<String> lines = List.of();
        List<String> members = List.of();
        RunRecord record = null;
        RunState state = null;
        try {
            record = RunRecord.read(files);
            state = Runs.state(files, record);
            // After the state: a run that has ended writes nothing more.
            metrics = curves.lines().stream()
                    .map(RunView::values)
                    .filter(line -> line.containsKey("step"))
                    .toList();
            lines = log.lines();
            members = membership.lines().stream()
                    .map(RunView::event)
                    .flatMap(Optional::stream)
                    .toList();
            for (int rank = 0; rank < record.hosts().size(); rank++) {
                addRank(rank, ranks, problems);
            }
        } catch (BadRunException e) {
            problems.add(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            problems.add(files.directory() + " cannot be read: " + DurableFile.reason(e));
        }
        String problem = problems.isEmpty() ? null : String.join("; ", problems);
        return new News(
                files.directory().toString(),
                state,
                record,
                problem,
                curves.isReplaced(),
                metrics,
                lines,
                members,
                ranks);
    }

    private void addRank(int rank, List<Rank> ranks, List<String> problems) throws IOException {
        Path file = files.rank(rank);
        if (!Files.exists(file)) {
            return;
        }
        if (Files.size(file) > MOST_STATE_BYTES) {
            problems.add(file + " has " + Files.size(file) + " bytes: it is not what a rank writes");
            return;
        }
        try {
            RankState state = JSON.readValue(Files.readAllBytes(file), RankState.class);
            if (!state.isComplete()) {
                problems.add(file + " is damaged: it lacks some of its parts");
                return;
            }
            double silent = state.ended() ? 0 : (clock.millis() - state.atMillis()) / 1e3;
            ranks.add(new Rank(state, Math.max(0, silent)));
        } catch (JsonProcessingException e) {
            problems.add(file + " is damaged: " + e.getOriginalMessage());
        }
    }

    /** Numbers of a line; none of one within which the process was killed. */
    private static Map<String, Object> values(String line) {
        Map<String, Object> values = new LinkedHashMap<>();
        try {
            JsonNode tree = JSON.readTree(line);
            tree.properties().forEach(entry -> {
                if (entry.getValue().isNumber()) {
                    values.put(entry.getKey(), entry.getValue().numberValue());
                }
            });
        } catch (JsonProcessingException unfinished) {
            return Map.of();
        }
        return values;
    }

    /** Time and text of a line; empty for one within which the launcher was killed. */
    private static Optional<String> event(String line) {
        try {
            JsonNode tree = JSON.readTree(line);
            return tree.hasNonNull("text")
                    ? Optional.of(
                            tree.path("at").asText() + " " + tree.path("text").asText())
                    : Optional.empty();
        } catch (JsonProcessingException unfinished) {
            return Optional.empty();
        }
    }

    /** As one line of JSON. */
    static String json(News news) {
        try {
            return JSON.writeValueAsString(news);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("news that are not JSON", e);
        }
    }
}
