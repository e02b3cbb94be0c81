package io.gyre.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.DisagreementException;
import io.gyre.Member;
import io.gyre.local.Gyre;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AgreementTest {

    private static final List<Member> MEMBERS =
            List.of(new Member(0, "ant", 10), new Member(1, "bee", 11), new Member(2, "cat", 12));

    @Test
    void equalValuesAgree() {
        String values = "batch\t64\nrate\t0.1\n";

        assertThatCode(() -> Agreement.check("options", List.of(values, values, values), MEMBERS))
                .doesNotThrowAnyException();
    }

    @Test
    void theFirstDifferenceIsShownWithBothRanksAndBothValues() {
        assertThat(difference("batch\t64\nrate\t0.1\n", "batch\t64\nrate\t0.1\n", "batch\t64\nrate\t0.25\n"))
                .isEqualTo("ranks disagree on the options: 'rate' is '0.1' on rank 0 (host ant, pid 10) and '0.25' on"
                        + " rank 2 (host cat, pid 12). All ranks must run the same program with the same options; no data"
                        + " has moved yet.");
    }

    @Test
    void ranksThatHaveGoneDisagreeWithNobody() {
        String values = "\nbatch\t64\n";

        assertThatCode(() -> Agreement.check("options", List.of("", values, values), MEMBERS))
                .doesNotThrowAnyException();
        assertThatCode(() -> Agreement.check("options", List.of(values, "", values), MEMBERS))
                .doesNotThrowAnyException();
        assertThat(difference("", values, "\nbatch\t32\n")).contains("'64' on rank 1", "'32' on rank 2");
        assertThat(difference("\n", values))
                .as("one that has no values is there")
                .contains("absent on rank 0");
    }

    @Test
    void aValueThatOneRankDoesNotHaveIsAbsent() {
        assertThat(difference("batch\t64\n", "batch\t64\nrate\t0.1\n")).contains("'rate' is absent on rank 0");
        assertThat(difference("batch\t64\nrate\t0.1\n", "batch\t64\n"))
                .contains("'rate' is '0.1' on rank 0")
                .contains("absent on rank 1");
    }

    @Test
    void ofLongValuesTheDifferingPartIsShown() {
        String common = "x".repeat(500);

        String message =
                difference("model\t" + common + "Adam" + common + "\n", "model\t" + common + "Sgd" + common + "\n");

        assertThat(message)
                .contains("…" + "x".repeat(40) + "Adam")
                .contains("…" + "x".repeat(40) + "Sgd")
                .hasSizeLessThan(600);
    }

    @Test
    void aValueThatIsTheOthersBeginningIsTold() {
        assertThat(difference("model\t" + "x".repeat(200) + "\n", "model\t" + "x".repeat(201) + "\n"))
                .contains("x".repeat(40) + "' on rank 0")
                .contains("x".repeat(41) + "' on rank 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"one\r\ntwo", "one\rtwo", "one\ntwo", "one\ttwo", ""})
    void valuesMayHoldAnyWhiteSpace(String value) throws InterruptedException {
        Gyre.local(2).run(session -> session.agree("text", Map.of("lines", value, "more", "of this")));
    }

    private static String difference(String... values) {
        return catchThrowableOfType(
                        DisagreementException.class, () -> Agreement.check("options", List.of(values), MEMBERS))
                .getMessage();
    }
}
