package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RankEnvironmentTest {

    private static Map<String, String> variables(Placement place, int cores, Map<String, String> own) {
        return RankEnvironment.of(place, "h:1", "udp", cores, own);
    }

    @ParameterizedTest(name = "{0} cores, {1} ranks on the host: {2} threads")
    @CsvSource({"2, 2, 1", "2, 4, 1", "16, 4, 4", "7, 2, 3", "4, 1, 4"})
    void theRanksOfAHostShareItsCores(int cores, int ranks, String threads) {
        assertThat(variables(new Placement(0, ranks, "a", true, 0, ranks), cores, Map.of()))
                .containsEntry("OMP_NUM_THREADS", threads)
                .containsEntry("OPENBLAS_NUM_THREADS", threads)
                .containsEntry("OMP_WAIT_POLICY", "PASSIVE");
    }

    @Test
    void aHostElsewhereCountsItsOwnCores() {
        assertThat(variables(new Placement(0, 2, "b", false, 0, 2), 64, Map.of()))
                .doesNotContainKeys("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS");
    }

    @Test
    void whatTheUserSetIsPassedOn() {
        Map<String, String> own = Map.of(
                "OMP_NUM_THREADS", "3",
                "OPENBLAS_NUM_THREADS", "2",
                "OMP_WAIT_POLICY", "ACTIVE",
                "GYRE_TRUSTED_NETWORK", "true",
                "GYRE_RANK", "9",
                "HOME", "/home/me");

        assertThat(variables(new Placement(1, 2, "b", false, 1, 2), 64, own))
                .containsEntry("OMP_NUM_THREADS", "3")
                .containsEntry("OPENBLAS_NUM_THREADS", "2")
                .containsEntry("OMP_WAIT_POLICY", "ACTIVE")
                .containsEntry("GYRE_TRUSTED_NETWORK", "true")
                .containsEntry("GYRE_RANK", "1")
                .doesNotContainKey("HOME");
    }
}
