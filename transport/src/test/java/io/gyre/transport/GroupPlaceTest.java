package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GroupPlaceTest {

    private static final Map<String, String> WHOLE =
            Map.of("GYRE_GROUP", "1", "GYRE_GROUPS_SIZE", "3", "GYRE_GROUPS_RENDEZVOUS", "127.0.0.1:4");

    @Test
    void aProcessIsInNoGroupOrInTheOneThatItIsTold() {
        assertThat(GroupPlace.ifLaunched(Map.of("GYRE_SEATS", "2"))).isEmpty();
        assertThat(GroupPlace.ifLaunched(WHOLE)).contains(new GroupPlace(1, 3, "127.0.0.1:4"));
    }

    @ParameterizedTest
    @CsvSource({
        "GYRE_GROUP, 3, GYRE_GROUP = 3: expected 0 to 2",
        "GYRE_GROUPS_SIZE, 1, GYRE_GROUPS_SIZE = 1: expected 2",
        "GYRE_GROUPS_SIZE, '', 'GYRE_GROUP is set, and GYRE_GROUPS_SIZE is not'",
        "GYRE_GROUPS_RENDEZVOUS, '', 'GYRE_GROUP is set, and GYRE_GROUPS_RENDEZVOUS is not'",
    })
    void aVariableThatIsWrongIsNamed(String variable, String value, String message) {
        Map<String, String> environment = new HashMap<>(WHOLE);
        environment.put(variable, value);

        assertThatThrownBy(() -> GroupPlace.ifLaunched(environment))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }
}
