package io.gyre.queue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.GyreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Successive halving (Jamieson and Talwalkar, <a href="https://arxiv.org/abs/1502.07943">Non-stochastic best arm
 * identification and hyperparameter optimization</a>, 2016): all configurations train for a few steps; the best of
 * them, one in eta, go on for eta times as many; and so on, until the last train to the end. Each goes on from its
 * checkpoint, and those begin first that did best.
 *
 * <p>The jobs are those of a queue, recognized by their names, and the results are in a file: a sweep that is called
 * again goes on where it was. One thread.
 */
final class Sweep {

    private final SweepFile file;
    private final Path directory;
    private final JobQueue queue;
    private final Needs needs;
    private final Function<Path, @Nullable Double> metric;
    private final Consumer<String> say;
    private State state;

    /**
     * What is known.
     *
     * @param file the sweep file, as it was at the beginning
     * @param results by rung, and by configuration; null for one that has failed
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record State(String file, List<Map<Integer, @Nullable Double>> results) {}

    /**
     * Begins a sweep, or goes on with it.
     *
     * @param directory of its runs and its results
     * @param metric figure of a run, given its directory; null if it has none
     */
    Sweep(
            SweepFile file,
            Path directory,
            JobQueue queue,
            Needs needs,
            Function<Path, @Nullable Double> metric,
            Consumer<String> say)
            throws IOException {
        this.file = file;
        this.directory = directory.toAbsolutePath();
        this.queue = queue;
        this.needs = needs;
        this.metric = metric;
        this.say = say;
        Files.createDirectories(directory);
        this.state = begun();
    }

    private Path stateFile() {
        return directory.resolve("sweep.json");
    }

    private State begun() throws IOException {
        if (!Files.exists(stateFile())) {
            return new State(file.toString(), new ArrayList<>(List.of(new TreeMap<>())));
        }
        State read;
        try {
            read = new ObjectMapper().readValue(Files.readString(stateFile()), State.class);
        } catch (JsonProcessingException e) {
            throw new GyreException(stateFile() + " is damaged: " + e.getOriginalMessage() + ". Remove it", e);
        }
        if (!file.toString().equals(read.file())) {
            throw new IllegalArgumentException("sweep '" + file.name() + "' in " + directory
                    + " began with other contents of its file: give this one another name");
        }
        return read;
    }

    private int rung() {
        return state.results().size() - 1;
    }

    private Map<Integer, @Nullable Double> results() {
        return state.results().get(rung());
    }

    /** Who takes part in the present rung, the promising first. */
    private List<Integer> candidates() {
        if (rung() == 0) {
            return IntStream.range(0, file.configurations().size()).boxed().toList();
        }
        return best(state.results().get(rung() - 1));
    }

    /** One in eta of those in a rung, the best first; none that has failed. */
    private List<Integer> best(Map<Integer, @Nullable Double> rung) {
        double sign = file.lessIsBetter() ? 1 : -1;
        return rung.entrySet().stream()
                .filter(entry -> entry.getValue() != null)
                .sorted(Comparator.comparingDouble(entry -> sign * entry.getValue()))
                .map(Map.Entry::getKey)
                .limit(Math.max(1, rung.size() / file.eta()))
                .toList();
    }

    /**
     * Takes the results of jobs that have ended, and queues those that are missing.
     *
     * @return whether there is more to do
     * @throws GyreException if all configurations have failed
     */
    boolean advance() throws IOException {
        Map<String, JobQueue.Seen> jobs = new TreeMap<>();
        for (JobQueue.Seen seen : queue.all()) {
            if (seen.job() != null && seen.job().words().contains(directory.toString() + "/" + runOf(seen.job()))) {
                jobs.put(seen.job().name(), seen);
            }
        }
        List<Integer> candidates = candidates();
        for (int configuration : candidates) {
            if (results().containsKey(configuration)) {
                continue;
            }
            JobQueue.Seen job = jobs.get(jobName(configuration));
            if (job == null) {
                add(configuration);
            } else if (job.state().isEnd()) {
                took(configuration, job);
            }
        }
        return results().size() < candidates.size() || climbed();
    }

    private static String runOf(Job job) {
        String run = job.runDirectory();
        return run == null ? "" : String.valueOf(Path.of(run).getFileName());
    }

    private String jobName(int configuration) {
        return file.name() + "-" + file.rungs().get(rung()) + "-" + file.runName(configuration);
    }

    private Path run(int configuration) {
        return directory.resolve(file.runName(configuration));
    }

    private void add(int configuration) throws IOException {
        Path run = run(configuration);
        queue.add(id -> new Job(
                Job.FORMAT,
                id,
                jobName(configuration),
                file.words(configuration, rung(), run),
                Path.of("").toAbsolutePath().toString(),
                run.toString(),
                needs,
                0,
                0,
                AddJobCommand.GRACE_SECONDS));
    }

    private void took(int configuration, JobQueue.Seen job) throws IOException {
        Double value = job.state() == JobState.DONE ? metric.apply(run(configuration)) : null;
        boolean good = value != null && Double.isFinite(value);
        results().put(configuration, good ? value : null);
        JobFiles.write(stateFile(), state);
        say.accept(file.runName(configuration) + " after " + file.rungs().get(rung()) + " steps: "
                + (good
                        ? file.metric() + " " + value
                        : job.state() == JobState.DONE
                                ? "no " + file.metric()
                                : job.state() + ", see " + job.files().log()));
    }

    private boolean climbed() throws IOException {
        if (best(results()).isEmpty()) {
            throw new GyreException("sweep '" + file.name() + "': no configuration has a result, see the jobs' logs");
        }
        if (rung() + 1 == file.rungs().size()) {
            return false;
        }
        state.results().add(new TreeMap<>());
        JobFiles.write(stateFile(), state);
        return true;
    }
}
