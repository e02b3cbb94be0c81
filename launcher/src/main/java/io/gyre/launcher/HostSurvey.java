package io.gyre.launcher;

import io.gyre.startup.HostFacts;
import io.gyre.startup.RankFacts;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Asks each of several hosts about itself: starts a process on all of them at once, as a rank would be started. A host
 * that does not answer is no reason for the others not to.
 */
final class HostSurvey {

    /** Includes the time that ssh takes to give up, and that of a JVM on a busy host. */
    private static final Duration TO_ANSWER = Duration.ofSeconds(60);

    /** Nobody meets there. */
    private static final String NO_RENDEZVOUS = "none";

    private final LaunchPlan plan;
    private final Terminal silent = new Terminal(
            new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8),
            new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));

    /**
     * What a host has answered.
     *
     * @param host its name, as given
     * @param facts null if it has not answered
     * @param problem why not, in one line; empty if it has
     */
    record Answer(String host, @Nullable HostFacts facts, String problem) {}

    /**
     * Prepares to ask.
     *
     * @param plan of one rank per host
     */
    HostSurvey(LaunchPlan plan) {
        this.plan = plan;
    }

    /** Asks all hosts, and returns their answers in order; everything that was started has ended. */
    List<Answer> ask() throws IOException, InterruptedException {
        RankGroup group = new RankGroup(RankGroup.Successors.NONE);
        GroupGuard guard = new GroupGuard(group, RankGroup.TO_END, silent::say);
        CountDownLatch answered = new CountDownLatch(1);
        Thread deadline = new Thread(() -> endLate(group, answered), "gyre-doctor-deadline");
        deadline.setDaemon(true);
        List<RankProcess> processes = new ArrayList<>();
        guard.during(() -> {
            RunSecret token = RunSecret.random(new SecureRandom());
            deadline.start();
            try {
                for (Placement place : Placement.spread(plan.ranks(), plan.hosts(), HostAddress::isOwn)) {
                    group.spare(place.rank());
                    RankProcess process = RankStart.of(place, plan, NO_RENDEZVOUS, Optional.empty(), false)
                            .process(token, silent);
                    processes.add(process);
                    group.add(process);
                }
                group.await();
            } finally {
                answered.countDown();
            }
        });
        return processes.stream()
                .map(process -> answer(process, group.exitStatus(process.place().rank())))
                .toList();
    }

    private static void endLate(RankGroup group, CountDownLatch answered) {
        try {
            if (!answered.await(TO_ANSWER.toSeconds(), TimeUnit.SECONDS)) {
                group.stop(RankGroup.TO_END);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Answer answer(RankProcess process, OptionalInt status) {
        String host = process.place().host();
        List<String> lines = process.lastLines();
        if (status.orElse(1) == 0) {
            List<RankFacts> facts = DoctorRank.read(lines).ranks();
            if (!facts.isEmpty()) {
                return new Answer(host, facts.get(0).host(), "");
            }
        }
        String last = lines.isEmpty()
                ? "it printed nothing"
                : lines.get(lines.size() - 1).strip();
        return new Answer(host, null, what(process, status) + ": " + last);
    }

    private static String what(RankProcess process, OptionalInt status) {
        if (status.isEmpty()) {
            return "it has not answered within " + TO_ANSWER.toSeconds() + " s";
        }
        boolean byShell =
                status.getAsInt() == ExitStatus.OF_SSH && !process.place().here();
        if (byShell && process.pid() == 0) {
            return "ssh did not reach it";
        }
        return "its process ended with exit status " + ExitStatus.words(status.getAsInt());
    }
}
