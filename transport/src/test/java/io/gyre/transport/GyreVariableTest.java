package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class GyreVariableTest {

    private static final Path CONFIGURATION = Path.of("..", "docs", "configuration.md");

    /** In rows of tables, where each variable is explained. */
    private static List<String> documented() throws IOException {
        Pattern name = Pattern.compile("`(GYRE_[A-Z_]+)`");
        return Files.readString(CONFIGURATION)
                .lines()
                .filter(line -> line.startsWith("| `GYRE_"))
                .map(line -> line.split("\\|", -1)[1])
                .flatMap(cell -> name.matcher(cell).results().map((MatchResult result) -> result.group(1)))
                .toList();
    }

    @Test
    void theDocumentExplainsEachVariableOnceAndNoOther() throws IOException {
        assertThat(documented())
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(GyreVariable.values())
                        .map(GyreVariable::key)
                        .toList());
    }

    @Test
    void aVariableIsReadAsItWasWritten() {
        Map<String, String> environment = new HashMap<>();
        GyreVariable.RANK.put(environment, 3);
        GyreVariable.TRANSPORT.put(environment, TransportMode.UDP);
        GyreVariable.TRUSTED_NETWORK.put(environment, true);
        assertThat(environment)
                .containsOnly(
                        Map.entry("GYRE_RANK", "3"),
                        Map.entry("GYRE_TRANSPORT", "udp"),
                        Map.entry("GYRE_TRUSTED_NETWORK", "true"));
        assertThat(GyreVariable.isRank(environment)).isTrue();
        assertThat(GyreVariable.RANK.number(environment)).hasValue(3);
        assertThat(GyreVariable.TRANSPORT.text(environment)).contains("udp");
        assertThat(GyreVariable.TRUSTED_NETWORK.flag(environment)).contains(true);
        assertThat(environment.keySet()).allMatch(GyreVariable::isGyres);
    }

    @Test
    void aBlankVariableIsUnset() {
        Map<String, String> environment = Map.of("GYRE_RANK", " ", "GYRE_TRUSTED_NETWORK", "");
        assertThat(GyreVariable.isRank(environment)).isFalse();
        assertThat(GyreVariable.RANK.number(environment)).isEmpty();
        assertThat(GyreVariable.TRUSTED_NETWORK.flag(environment)).isEmpty();
    }

    @Test
    void aWrongValueIsNamedWithItsVariable() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GyreVariable.LOCAL_RANK.number(Map.of("GYRE_LOCAL_RANK", "x")))
                .withMessage("environment variable GYRE_LOCAL_RANK = 'x' is not a whole number");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GyreVariable.TRUSTED_NETWORK.flag(Map.of("GYRE_TRUSTED_NETWORK", "yes")))
                .withMessage("environment variable GYRE_TRUSTED_NETWORK = 'yes' is neither true nor false");
    }
}
