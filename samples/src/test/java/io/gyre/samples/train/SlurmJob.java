package io.gyre.samples.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A batch job of SLURM, by the script of {@code gyre template slurm}. */
final class SlurmJob implements AutoCloseable {

    private static final Pattern STATE = Pattern.compile("JobState=(\\w+)");
    private static final Pattern RESTARTS = Pattern.compile("Restarts=(\\d+)");

    private final MarkedProcesses own = new MarkedProcesses();
    private final SlurmCluster cluster;
    private final Path directory;
    private final String id;

    private static final Pattern SUBMITTED = Pattern.compile("(?:Submitted batch job )?(\\d+)\\s*");

    private SlurmJob(SlurmCluster cluster, Path directory, ProcessBuilder submission) throws IOException {
        this.cluster = cluster;
        this.directory = directory;
        submission.directory(directory.toFile());
        submission.environment().put("SBATCH_OUTPUT", output().toString());
        submission.environment().keySet().removeAll(List.of("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"));
        submission.environment().put("GYRE_JOIN_TIMEOUT", "300");
        submission.environment().put("GYRE_BIND", "lo");
        submission.environment().put("GYRE_SECRET_FILE", secret(directory).toString());
        own.mark(submission.environment());
        String answer = SlurmCluster.outputOf(submission);
        Matcher submitted = SUBMITTED.matcher(answer);
        if (!submitted.matches()) {
            throw new AssertionError("sbatch printed no number of a job: " + answer);
        }
        id = submitted.group(1);
    }

    /**
     * Submits the script for four ranks on two nodes.
     *
     * @param directory for the job's files; that of an earlier job, if this one is to follow it
     */
    static SlurmJob submit(SlurmCluster cluster, Path directory, String... training)
            throws IOException, InterruptedException {
        Path gyre = gyre(directory);
        List<String> words = new ArrayList<>(List.of(gyre.toString(), "template", "slurm"));
        words.addAll(List.of("-n", "4", "--nodes", "2", "--cores", "1", "--memory", "1", "--", "train"));
        words.addAll(Arrays.asList(training));
        words.addAll(List.of("--report", report(directory).toString()));
        ProcessBuilder template = new ProcessBuilder(words);
        template.environment().put("GYRE_COMMAND", gyre.toString());
        Path script = Files.writeString(directory.resolve("job.sh"), SlurmCluster.outputOf(template));
        return new SlurmJob(cluster, directory, cluster.command("sbatch", "--parsable", script.toString()));
    }

    /** Submits by {@code gyre queue add --on slurm}, for two ranks, which get one node. */
    static SlurmJob queue(SlurmCluster cluster, Path directory, String... training) throws IOException {
        Path gyre = gyre(directory);
        List<String> words = new ArrayList<>(List.of(gyre.toString(), "queue", "add", "--on", "slurm"));
        words.addAll(
                List.of("--name", "queued", "--cores", "2", "--memory", "2g", "--time-limit", "1h", "--", "train"));
        words.addAll(Arrays.asList(training));
        words.addAll(List.of("-n", "2", "--report", report(directory).toString()));
        ProcessBuilder submission = cluster.command(words.toArray(String[]::new));
        submission.environment().put("GYRE_COMMAND", gyre.toString());
        return new SlurmJob(cluster, directory, submission);
    }

    /** A command as users have it. */
    private static Path gyre(Path directory) throws IOException {
        return executable(
                directory.resolve("gyre"),
                "#!/bin/sh\nexec "
                        + GyreTrain.gyre().stream()
                                .map(word -> "'" + word + "'")
                                .collect(Collectors.joining(" "))
                        + " \"$@\"\n");
    }

    private static Path executable(Path file, String text) throws IOException {
        Files.writeString(file, text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    }

    private static Path secret(Path directory) throws IOException {
        Path file = directory.resolve("secret");
        if (!Files.exists(file)) {
            List<String> words = new ArrayList<>(GyreTrain.gyre());
            words.addAll(List.of("secret", file.toString()));
            SlurmCluster.outputOf(new ProcessBuilder(words));
        }
        return file;
    }

    private static Path report(Path directory) {
        return directory.resolve("report.json");
    }

    JsonNode report() throws IOException {
        return new ObjectMapper().readTree(report(directory).toFile());
    }

    private Path output() {
        return directory.resolve("output.txt");
    }

    /** What all of its attempts have printed. */
    String printed() {
        try {
            return Files.exists(output()) ? Files.readString(output(), StandardCharsets.UTF_8) : "";
        } catch (IOException e) {
            return e.toString();
        }
    }

    String id() {
        return id;
    }

    /** Process id of a running rank. */
    long pid(int rank) {
        return own.rank(rank);
    }

    List<Long> pids() {
        return own.ranks().map(ProcessHandle::pid).toList();
    }

    void awaitPrinted(String regex) {
        Pattern pattern = Pattern.compile(regex);
        await("it prints '" + regex + "'", () -> pattern.matcher(printed()).find());
    }

    void awaitState(String state) {
        await("its state is " + state, () -> word(STATE).equals(state));
    }

    /** How often SLURM has started it again. */
    int restarts() {
        return Integer.parseInt(word(RESTARTS));
    }

    void awaitNothingLeft(List<Long> pids) {
        await("none of its processes runs", () -> own.areGone(pids));
    }

    private String word(Pattern pattern) {
        String job = cluster.output("scontrol", "show", "job", id);
        Matcher found = pattern.matcher(job);
        if (!found.find()) {
            throw new AssertionError("no " + pattern + " in " + job);
        }
        return found.group(1);
    }

    private void await(String what, BooleanSupplier condition) {
        cluster.await(what, condition, () -> printed() + cluster.output("scontrol", "show", "job", id));
    }

    @Override
    public void close() {
        cluster.output("scancel", id);
        own.kill();
    }
}
