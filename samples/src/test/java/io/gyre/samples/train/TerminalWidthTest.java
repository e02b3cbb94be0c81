package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gyre.launcher.JvmFlags;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a terminal, which {@code script} of util-linux provides. */
class TerminalWidthTest {

    /** Draws, sets the terminal's width to each argument in turn, and draws again. */
    static final class Drawing {
        public static void main(String[] widths) throws IOException, InterruptedException {
            TerminalWidth width = new TerminalWidth();
            ProgressBar bar = new ProgressBar(System.err, width, "lenet", 0, 2_000);
            bar.show(1_000, Duration.ofSeconds(62), "loss 0.1234", "345 images/s");
            for (String each : widths) {
                new ProcessBuilder("sh", "-c", "stty cols " + each + " <&2")
                        .inheritIO()
                        .start()
                        .waitFor();
                bar.show(1_000, Duration.ofSeconds(62), "loss 0.1234", "345 images/s");
            }
            bar.close();
        }
    }

    private static String shown(String terminal, int columns, String... widths) throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "needs /usr/bin/script");
        List<String> java = new ArrayList<>();
        java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        java.addAll(JvmFlags.STANDARD);
        java.addAll(
                List.of("-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
        java.add(Drawing.class.getName());
        java.addAll(List.of(widths));
        String command = "stty cols " + columns + "; exec '" + String.join("' '", java) + "'";
        ProcessBuilder script = new ProcessBuilder("script", "-qec", command, "/dev/null").redirectErrorStream(true);
        script.environment().put("TERM", terminal);
        Process process = script.start();
        process.getOutputStream().close();
        String shown = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(shown).isZero();
        return shown;
    }

    @ParameterizedTest
    @ValueSource(ints = {20, 40, 60, 80, 200})
    void aDrawingIsAsWideAsTheTerminalIsThen(int columns) throws Exception {
        String shown = shown("xterm", columns, "20", "60", "40", "80");

        List<Integer> lengths = Arrays.stream(
                        shown.substring(shown.indexOf("\033[J") + 3).split("\r\033\\[J", -1))
                .map(drawing -> drawing.replaceAll("[\r\n]", "").length())
                .toList();
        assertThat(shown.strip()).doesNotContain("\n");
        assertThat(lengths).hasSize(5);
        int[] widths = {columns, 20, 60, 40, 80};
        for (int i = 0; i < widths.length; i++) {
            assertThat(lengths.get(i)).isBetween(10, widths[i] - 1);
        }
        assertThat(lengths.get(4)).as("80 columns are used").isGreaterThan(70);
    }

    @Test
    void aDumbTerminalHasNoWidth() throws Exception {
        assertThat(new TerminalWidth().getAsInt())
                .as("the standard error of a test is no terminal")
                .isZero();
        assertThat(shown("dumb", 80)).isEqualTo("\r\033[J\r\r\n");
    }
}
