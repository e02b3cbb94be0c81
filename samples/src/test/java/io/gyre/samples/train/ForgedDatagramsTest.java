package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.samples.train.TwoRanks.Protection;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Trainings over UDP while somebody on the host sends forged datagrams with all the right numbers. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class ForgedDatagramsTest {

    @TempDir
    Path directory;

    @Test
    void ofAllTogetherASealedRunAcceptsNone() throws Exception {
        try (TwoRanks run = attacked(Protection.SEALED, List.of(Forgery.values()))) {
            run.assertUndisturbed();
            assertThat(run.output()).contains("has dropped a UDP datagram");
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Tag("long")
    void aSealedRunAcceptsNone(Forgery forgery) throws Exception {
        try (TwoRanks run = attacked(Protection.SEALED, List.of(forgery))) {
            run.assertUndisturbed();
            assertThat(run.output()).contains("has dropped a UDP datagram");
        }
    }

    /** So that the tests of sealed runs can fail. */
    @ParameterizedTest(name = "{0}")
    @EnumSource(names = {"DATA", "END_OF_STREAM"})
    void aPlainRunIsEndedByOne(Forgery forgery) throws Exception {
        try (TwoRanks run = attacked(Protection.PLAIN, List.of(forgery))) {
            assertThat(run.awaitResult()).as(run.output()).startsWith("exit statuses");
        }
    }

    /** The other ones, to know what they do: prints a table. */
    @ParameterizedTest(name = "{0}")
    @EnumSource(
            names = {"DATA", "END_OF_STREAM"},
            mode = EnumSource.Mode.EXCLUDE)
    @Tag("long")
    void aPlainRunEndsWithTheSameParametersOrAnError(Forgery forgery) throws Exception {
        try (TwoRanks run = attacked(Protection.PLAIN, List.of(forgery))) {
            String result = run.awaitResult();
            boolean same = result.equals(run.cleanHash());
            System.out.println("plain, " + forgery + ": " + (same ? "same parameters" : result + "\n" + run.errors()));
            assertThat(same || result.startsWith("exit statuses"))
                    .as(run.output())
                    .isTrue();
        }
    }

    private TwoRanks attacked(Protection protection, List<Forgery> forgeries) throws Exception {
        TwoRanks run = TwoRanks.onLoopback(directory, protection);
        run.start();
        run.start();
        long sent = new Forger(run).attack(forgeries);
        assertThat(sent).as(run.output()).isPositive();
        System.out.println(protection + ", " + forgeries + ": " + sent + " forged datagrams sent");
        return run;
    }
}
