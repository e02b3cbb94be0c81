package io.gyre.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** After which steps which fragment is synchronised. */
class LocalSettingsTest {

    private static List<String> due(LocalSettings settings, int steps) {
        List<String> due = new ArrayList<>();
        for (long step = 0; step < steps; step++) {
            for (int fragment = 0; fragment < settings.fragments(); fragment++) {
                if (settings.isDue(fragment, step)) {
                    due.add(step + ":" + fragment);
                }
            }
        }
        return due;
    }

    @Test
    void theFirstStepsOfPostLocalAreSynchronous() {
        LocalSettings settings = LocalSettings.postLocal(3, 2);

        assertThat(settings.isLocal(2)).isFalse();
        assertThat(settings.isLocal(3)).isTrue();
        assertThat(due(settings, 9)).containsExactly("4:0", "6:0", "8:0");
    }

    @Test
    void fragmentsAreSpreadOverThePeriod() {
        assertThat(due(LocalSettings.diloco(4, 1, 1, 0), 8)).containsExactly("3:0", "7:0");
        assertThat(due(LocalSettings.diloco(4, 2, 1, 0), 8)).containsExactly("1:0", "3:1", "5:0", "7:1");
        assertThat(due(LocalSettings.diloco(3, 3, 1, 0), 4)).containsExactly("0:0", "1:1", "2:2", "3:0");
    }

    @ParameterizedTest
    @CsvSource({"7, 3", "50, 4", "50, 49", "1, 1"})
    void noStepCarriesTwoAndAPeriodCarriesEachOnce(int period, int fragments) {
        List<String> due = due(LocalSettings.diloco(period, fragments, 0.7, 0.9), period);

        assertThat(due.stream().map(each -> each.substring(0, each.indexOf(':'))))
                .doesNotHaveDuplicates();
        assertThat(due.stream().map(each -> each.substring(each.indexOf(':'))))
                .doesNotHaveDuplicates()
                .hasSize(fragments);
    }

    @Test
    void fragmentsCoverAVectorOnce() {
        LocalSettings settings = LocalSettings.diloco(9, 4, 0.7, 0.9);

        long end = 0;
        for (int fragment = 0; fragment < 4; fragment++) {
            Span span = settings.fragment(fragment, 10);
            assertThat(span.offset()).isEqualTo(end);
            assertThat(span.length()).isBetween(2L, settings.fragment(0, 10).length());
            end = span.end();
        }
        assertThat(end).isEqualTo(10);
    }

    @Test
    void theDescriptionHasAllThatMustBeEqual() {
        assertThat(LocalSettings.postLocal(100, 8).description())
                .isEqualTo("post-local, local after 100 steps, every 8 steps");
        assertThat(LocalSettings.diloco(50, 5, 0.7, 0.9).delayed(1).description())
                .isEqualTo("diloco, every 50 steps in 5 fragments, outer rate 0.700000, outer momentum 0.900000, 1 step"
                        + " late");
    }

    @Test
    void valuesThatMakeNoSenseAreRejected() {
        assertRejected(() -> LocalSettings.postLocal(-1, 8), "local steps after -1 others");
        assertRejected(() -> LocalSettings.postLocal(0, 0), "a period of 0 steps");
        assertRejected(() -> LocalSettings.diloco(4, 5, 0.7, 0.9), "5 fragments in a period of 4 steps");
        assertRejected(() -> LocalSettings.diloco(4, 0, 0.7, 0.9), "0 fragments");
        assertRejected(() -> LocalSettings.diloco(4, 1, 0, 0.9), "an outer rate of 0.0");
        assertRejected(() -> LocalSettings.diloco(4, 1, Double.NaN, 0.9), "an outer rate of NaN");
        assertRejected(() -> LocalSettings.diloco(4, 1, 0.7, 1), "an outer momentum of 1.0");
        assertRejected(() -> LocalSettings.diloco(4, 1, 0.7, 0.9).delayed(2), "a delay of 2 steps");
    }

    private static void assertRejected(Runnable create, String message) {
        assertThatIllegalArgumentException().isThrownBy(create::run).withMessageStartingWith(message);
    }
}
