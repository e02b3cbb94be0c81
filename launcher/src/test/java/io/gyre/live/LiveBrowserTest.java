package io.gyre.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gyre.Member;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunPlan;
import io.gyre.runs.RunWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The live page as a real browser shows it, where Chromium is installed. */
@Tag("processes")
class LiveBrowserTest {

    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
    private static final long SECONDS = 120;

    @TempDir
    private Path parent;

    @Test
    void itShowsCurvesRanksStallsAndLogAndRunsNothingThatTheyContain() throws Exception {
        assumeTrue(Files.isExecutable(CHROMIUM), CHROMIUM + " is not installed");
        RunFiles files = new RunFiles(parent.resolve("a"));
        RunPlan plan = new RunPlan(null, List.of("train"), Map.of("model", "mlp"), List.of("ant", "bee"), false);
        try (RunWriter writer = RunWriter.open(files, plan, false)) {
            writer.begin(0);
            writer.stepDone(1, 1, 0.5, 10);
            Files.writeString(files.log(), "<script>document.title = 'stranger'</script>\n");
            try (RankReporter reporter = RankReporter.open(files, new Member(1, "bee", 17), 2)) {
                reporter.stalled(3, "rank 1 waits for rank 0\n  at <b>io.gyre.Example</b>");
            }

            String shown;
            try (LivePage page = LivePage.open(files, LiveAddress.loopback(0))) {
                shown = dom(page.url() + "?static");
            }

            assertThat(shown).contains("<title>a").contains(">running</strong>");
            assertThat(shown).as("curves").contains("<canvas", "Loss: now loss 0.5\"");
            assertThat(shown).as("the setup").contains("mlp, 2 ranks, in ").doesNotContain("undefined");
            assertThat(shown).as("hosts").contains("rank 0 on ant", "rank 1 on bee");
            assertThat(shown).as("rank 1").contains("bee (17)");
            assertThat(shown).as("the stall").contains("rank 1 waits for rank 0", "&lt;b&gt;io.gyre.Example");
            assertThat(shown).as("the log").contains("&lt;script&gt;document.title");
        }
    }

    /** What the browser has made of a page, when its scripts have run. */
    private String dom(String url) throws IOException, InterruptedException {
        Path out = parent.resolve("dom.html");
        Path errors = parent.resolve("chromium.log");
        Process chromium = new ProcessBuilder(
                        CHROMIUM.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-background-networking",
                        "--user-data-dir=" + parent.resolve("browser"),
                        "--virtual-time-budget=10000",
                        "--dump-dom",
                        url)
                .redirectOutput(out.toFile())
                .redirectError(errors.toFile())
                .start();
        try {
            assertThat(chromium.waitFor(SECONDS, TimeUnit.SECONDS))
                    .as("chromium has ended within %s s", SECONDS)
                    .isTrue();
        } finally {
            chromium.descendants().forEach(ProcessHandle::destroyForcibly);
            chromium.destroyForcibly();
        }
        return Files.readString(out);
    }
}
