package io.gyre.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SubmissionTest {

    private static final Duration LONG = Duration.ofSeconds(50);

    private final Submission submission =
            new Submission("slurm", "digits", new Needs(1, 0, 0), Duration.ZERO, null, null);
    private final StringWriter answer = new StringWriter();

    private int answered(Duration limit, String... command) throws Exception {
        return submission.answered(List.of(command), "#!/bin/sh\n", limit, new PrintWriter(answer));
    }

    @Test
    void theCommandGetsTheScriptAndItsAnswerIsPrinted() throws Exception {
        assertThat(answered(LONG, "cat")).isZero();
        assertThat(answer.toString()).isEqualTo("#!/bin/sh\n");
    }

    @Test
    void aCommandThatFailsIsAFailure() throws Exception {
        assertThat(answered(LONG, "sh", "-c", "echo no such partition >&2; exit 3"))
                .isEqualTo(1);
        assertThat(answer.toString()).isEqualTo("no such partition\n");
    }

    @Test
    void aCommandThatDoesNotEndIsKilledAndNamed() {
        assertThatThrownBy(() -> answered(Duration.ofMillis(200), "sleep", "600"))
                .isInstanceOf(GyreException.class)
                .hasMessageStartingWith("--on slurm: sleep has not ended after 200 ms, and is killed");
    }

    @Test
    void aCommandThatIsNotInstalledIsNamed() {
        assertThatThrownBy(() -> answered(LONG, "/no/such/sbatch"))
                .isInstanceOf(GyreException.class)
                .hasMessageStartingWith("--on slurm: /no/such/sbatch cannot be started here");
    }
}
