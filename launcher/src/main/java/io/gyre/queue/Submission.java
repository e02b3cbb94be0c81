package io.gyre.queue;

import io.gyre.GyreException;
import io.gyre.launcher.GyreCommandLine;
import io.gyre.launcher.TemplateCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A job for the queue of a cluster: what {@code gyre template} writes, given to the cluster's own command.
 *
 * @param cluster {@code slurm} or {@code kubernetes}
 * @param name of the job; null for the template's own
 * @param needs of all ranks together
 * @param limit of its time; zero for the template's own
 * @param image see {@code gyre template}
 * @param claim the same
 */
record Submission(
        String cluster,
        @Nullable String name,
        Needs needs,
        Duration limit,
        @Nullable String image,
        @Nullable String claim) {

    private static final Map<String, List<String>> COMMANDS =
            Map.of("slurm", List.of("sbatch"), "kubernetes", List.of("kubectl", "apply", "-f", "-"));

    private static final int MB_PER_GB = 1_024;
    private static final Duration ANSWER = Duration.ofMinutes(2);

    /** Submits, and prints what the cluster answers. */
    int submit(List<String> words, PrintWriter out) throws IOException, InterruptedException {
        List<String> command = COMMANDS.get(cluster);
        if (command == null) {
            throw new IllegalArgumentException("--on " + cluster + ": expected slurm or kubernetes");
        }
        return answered(command, script(words), ANSWER, out);
    }

    /**
     * Gives a command its input, and prints its answer when it has ended.
     *
     * @throws GyreException if it cannot be started, or has not ended in time: it is killed then
     */
    int answered(List<String> command, String input, Duration limit, PrintWriter out)
            throws IOException, InterruptedException {
        // In files: a pipe would be waited for as long as the command likes.
        Path given = Files.createTempFile("gyre-submission-", ".in");
        Path answer = Files.createTempFile("gyre-submission-", ".out");
        try {
            Files.writeString(given, input);
            Process process = start(new ProcessBuilder(command)
                    .redirectInput(given.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(answer.toFile()));
            try {
                if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new GyreException("--on " + cluster + ": " + command.get(0) + " has not ended after "
                            + limit.toMillis() + " ms, and is killed: look whether it has submitted the job");
                }
            } finally {
                process.destroyForcibly();
            }
            out.print(Files.readString(answer));
            out.flush();
            return process.exitValue() == 0 ? 0 : 1;
        } finally {
            Files.deleteIfExists(given);
            Files.deleteIfExists(answer);
        }
    }

    private Process start(ProcessBuilder builder) {
        try {
            return builder.start();
        } catch (IOException e) {
            throw new GyreException(
                    "--on " + cluster + ": " + builder.command().get(0) + " cannot be started here (" + e.getMessage()
                            + "): submit where it is installed",
                    e);
        }
    }

    String script(List<String> words) {
        List<String> command = new ArrayList<>(words);
        int ranks = 1;
        int at = command.indexOf("-n");
        if (at > 0 && at + 1 < command.size()) {
            ranks = number(command.remove(at + 1));
            command.remove(at);
        }
        if (needs.gpus() > 0) {
            throw new IllegalArgumentException("--gpus with --on " + cluster
                    + ": gyre template knows no GPUs; edit what it writes, and submit that");
        }
        List<String> arguments = new ArrayList<>(List.of(
                cluster, "-n", String.valueOf(ranks), "--cores", String.valueOf(Math.max(1, needs.cores() / ranks))));
        if (needs.memoryMb() > 0) {
            long part = (long) ranks * MB_PER_GB;
            long ofRank = (needs.memoryMb() + part - 1) / part;
            arguments.addAll(List.of("--memory", String.valueOf(ofRank)));
        }
        if (!limit.isZero() && cluster.equals("slurm")) {
            arguments.addAll(List.of(
                    "--time",
                    "%d-%02d:%02d:%02d"
                            .formatted(
                                    limit.toDays(),
                                    limit.toHoursPart(),
                                    limit.toMinutesPart(),
                                    limit.toSecondsPart())));
        }
        add(arguments, "--name", name);
        add(arguments, "--image", image);
        add(arguments, "--claim", claim);
        arguments.add("--");
        arguments.addAll(command);
        return template(arguments);
    }

    private static int number(String ranks) {
        try {
            return Integer.parseInt(ranks);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("-n '" + ranks + "': expected the number of ranks", e);
        }
    }

    private static void add(List<String> arguments, String option, @Nullable String value) {
        if (value != null) {
            arguments.addAll(List.of(option, value));
        }
    }

    private static String template(List<String> arguments) {
        StringWriter text = new StringWriter();
        StringWriter errors = new StringWriter();
        int status = GyreCommandLine.of(new TemplateCommand())
                .setOut(new PrintWriter(text, true))
                .setErr(new PrintWriter(errors, true))
                .execute(arguments.toArray(String[]::new));
        if (status != 0) {
            throw new IllegalArgumentException(errors.toString().strip());
        }
        return text.toString();
    }
}
