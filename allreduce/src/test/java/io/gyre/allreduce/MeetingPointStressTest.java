package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openjdk.jcstress.Main;

/**
 * Runs {@link MeetingPointStress} with jcstress, which starts a JVM for each of its tests. Takes about a minute. The
 * report is in {@code target/jcstress}.
 */
@Tag("processes")
class MeetingPointStressTest {

    private static final Duration DEADLINE = Duration.ofMinutes(5);

    /** A short run, without pinned threads. Its strides are small, because every state has 66 KB of direct memory. */
    private static final List<String> OPTIONS = List.of(
            "-m quick -f 1 -fsm 1 -iters 1 -time 1000 -c 2 -af NONE -sc false -strideSize 16 -strideCount 4 -r report"
                    .split(" "));

    private static final String CHILD_FLAGS = "-XX:-UsePerfData -XX:+UseSerialGC -Xmx256m";

    @Test
    void ranksObserveOnlyAcceptableOutcomes() throws Exception {
        Path directory = Files.createDirectories(Path.of("target", "jcstress").toAbsolutePath());
        Path temporary = Files.createDirectories(directory.resolve("tmp"));
        Path output = directory.resolve("output.txt");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:-UsePerfData", "-Djava.io.tmpdir=" + temporary, "-cp", classPath()));
        command.addAll(List.of(Main.class.getName(), "-t", MeetingPointStress.class.getSimpleName()));
        command.addAll(List.of("-jvmArgs", CHILD_FLAGS));
        command.addAll(OPTIONS);

        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            boolean ended = process.waitFor(DEADLINE.toSeconds(), TimeUnit.SECONDS);

            assertThat(ended).as("jcstress ended within %s", DEADLINE).isTrue();
            assertThat(Files.readString(output))
                    .contains("Interesting tests: No matches.")
                    .contains("Failed tests: No matches.")
                    .contains("Error tests: No matches.")
                    .contains("All remaining tests: 5 matching");
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }
}
