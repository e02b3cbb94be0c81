package io.gyre.launcher;

import io.gyre.launcher.HostSurvey.Answer;
import io.gyre.startup.HostFacts;
import io.gyre.startup.StartupTable;
import io.gyre.startup.StartupVerdict;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@code gyre doctor --hosts}: what several hosts offer, and the links between them. First each host is asked alone, so
 * that those that answer are shown whatever the others do; then a rank on each of these measures with all others.
 */
final class HostsCheckup {

    /** As an example: the parameters of ResNet-50 as floats. */
    private static final long EXAMPLE_BYTES = 100_000_000;

    private final LaunchPlan plan;
    private final List<String> measured = new ArrayList<>();

    /**
     * What was found.
     *
     * @param answers of all hosts, in order
     * @param measured names of the hosts of the table's ranks
     * @param table null if nothing could be measured
     * @param problem why not, in one line; empty if it could
     */
    record Result(
            List<Answer> answers,
            List<String> measured,
            @Nullable StartupTable table,
            String problem) {

        /** Whether all hosts can train together, as far as was looked at. */
        boolean isGood() {
            return table != null && measured.size() == answers.size();
        }

        /** What limits a run on these hosts, in one line. */
        Optional<String> verdict() {
            return Optional.ofNullable(table)
                    .map(found -> StartupVerdict.of(found, 0, EXAMPLE_BYTES).text());
        }

        /** How the hosts differ in what must be the same. */
        List<String> differences() {
            List<String> lines = new ArrayList<>();
            difference("the version of Gyre", HostFacts::gyre).ifPresent(lines::add);
            difference("Java", HostFacts::java).ifPresent(lines::add);
            return lines;
        }

        private Optional<String> difference(String what, Function<HostFacts, String> value) {
            List<String> values = new ArrayList<>();
            for (Answer answer : answers) {
                if (answer.facts() != null) {
                    values.add(value.apply(answer.facts()));
                }
            }
            return Set.copyOf(values).size() < 2
                    ? Optional.empty()
                    : Optional.of("the hosts differ in " + what + ": "
                            + answers.stream()
                                    .filter(answer -> answer.facts() != null)
                                    .map(answer -> value.apply(facts(answer)) + " on " + answer.host())
                                    .collect(Collectors.joining(", "))
                            + "; install the same everywhere");
        }

        private static HostFacts facts(Answer answer) {
            HostFacts facts = answer.facts();
            if (facts == null) {
                throw new IllegalStateException(answer.host() + " has not answered");
            }
            return facts;
        }
    }

    /**
     * Prepares the check.
     *
     * @param hosts at least one
     * @param options where they are, and how they reach each other
     */
    HostsCheckup(List<String> hosts, HostOptions options) {
        plan = options.of(LaunchPlan.of(program(DoctorRank.TELL), hosts.size()));
    }

    private static JavaProgram program(String what) {
        return JavaProgram.mainClass(DoctorRank.class.getName(), List.of(what));
    }

    Result run() throws IOException, InterruptedException {
        List<Answer> answers = new HostSurvey(plan).ask();
        for (Answer answer : answers) {
            if (answer.facts() != null) {
                measured.add(answer.host());
            }
        }
        if (measured.isEmpty()) {
            return new Result(answers, measured, null, "no host has answered");
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        LaunchPlan measurement = LaunchPlan.of(program(DoctorRank.MEASURE), measured.size())
                .withHosts(measured)
                .withEnvironment(plan.environment());
        LaunchResult result = new Launcher(
                        measurement,
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
                .run();
        if (result.exitStatus() != 0) {
            String why = result.failure().map(HostsCheckup::firstAndLast).orElse("it was told to end");
            return new Result(answers, measured, null, "nothing could be measured: " + why);
        }
        return new Result(
                answers,
                measured,
                DoctorRank.read(out.toString(StandardCharsets.UTF_8).lines().toList()),
                "");
    }

    /** A failure in one line: which rank failed, and what it said last. */
    private static String firstAndLast(String failure) {
        List<String> lines = failure.lines().map(String::strip).toList();
        return lines.size() < 2 ? failure : lines.get(0) + " " + lines.get(lines.size() - 1);
    }
}
