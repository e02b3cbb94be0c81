package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.launcher.Finding.Verdict;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The error names a limit on open files that is too low, not the class that could not be loaded. */
class FewOpenFilesTest {

    @Test
    void aRankSaysWhichLimitAndWhatToDo() throws Exception {
        List<String> command = new ArrayList<>(List.of("bash", "-c", "ulimit -n 48; exec \"$@\"", "few-files"));
        command.addAll(RankCommand.here("/", List.of("echo", "started")));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("GYRE_RANK", "3");
        builder.environment().put("GYRE_LOCAL_SIZE", "1");
        Process rank = builder.start();

        assertThat(new String(rank.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .startsWith("rank 3 may have 48 files open on ")
                .contains("128 are needed: raise the limit (ulimit -Hn;")
                .doesNotContain("started");
        assertThat(rank.waitFor()).isEqualTo(1);
    }

    @Test
    void theDoctorCallsItAProblemAndAFewMoreAHint() {
        assertThat(HostCheckup.openFiles(48).verdict()).isEqualTo(Verdict.PROBLEM);
        assertThat(HostCheckup.openFiles(48).advice()).contains("ulimit -n 4096");
        assertThat(HostCheckup.openFiles(512).verdict()).isEqualTo(Verdict.HINT);
        assertThat(HostCheckup.openFiles(4096).verdict()).isEqualTo(Verdict.OK);
    }
}
