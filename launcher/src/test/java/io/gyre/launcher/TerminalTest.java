package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run on a terminal, which {@code script} of util-linux provides. */
class TerminalTest {

    private static final int CTRL_C = 3;

    private final String mark = "mark-" + UUID.randomUUID();

    @TempDir
    private Path directory;

    @BeforeEach
    void needScript() {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "needs /usr/bin/script");
    }

    private Process start(String... program) throws IOException {
        List<String> java = new ArrayList<>();
        java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        java.addAll(JvmFlags.STANDARD);
        java.addAll(List.of("-cp", GyreProcess.classPath(), TerminalMain.class.getName()));
        java.addAll(List.of(program));
        java.add(mark);
        ProcessBuilder script = new ProcessBuilder("script", "-qec", Shell.line(java), "/dev/null");
        return script.redirectErrorStream(true)
                .redirectOutput(screen().toFile())
                .start();
    }

    private Path screen() {
        return directory.resolve("screen");
    }

    private String shown() {
        try {
            return Files.readString(screen(), StandardCharsets.UTF_8).replace("\r", "");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Short lines: rank 0 writes to the terminal directly, so other ranks' lines may split a long one. */
    @Test
    void rankZeroHasTheTerminalAndTheOthersArePrefixed() throws Exception {
        Process script = start("arguments", "short");

        assertThat(script.waitFor(60, TimeUnit.SECONDS)).isTrue();

        assertThat(script.exitValue()).as(shown()).isZero();
        assertThat(shown().lines()).containsExactlyInAnyOrder("short", mark, "[1] short", "[1] " + mark);
    }

    @Test
    void ctrlCEndsTheWholeRunAndNamesNobody() throws Exception {
        Process script = start("wait");
        try (OutputStream keyboard = script.getOutputStream()) {
            Await.until(
                    Await.LONG,
                    () -> "both ranks are ready: " + shown(),
                    () -> shown().contains("[1] ready") && shown().matches("(?s).*(^|\n)ready \\d+.*"));
            keyboard.write(CTRL_C);
            keyboard.flush();

            assertThat(script.waitFor(20, TimeUnit.SECONDS)).as(shown()).isTrue();
        }

        assertThat(script.exitValue()).isEqualTo(130);
        assertThat(shown())
                .contains("gyre: SIGINT: the ranks have 25 s to end in order")
                .doesNotContain("gyre: rank");
        Processes.awaitNoneWith(mark, GyreProcess.STOPPED);
    }
}
