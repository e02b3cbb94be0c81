package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.ElementType;
import io.gyre.local.Gyre;
import io.gyre.paramserver.StrategyOptions.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class StrategyOptionsTest {

    @ParameterizedTest
    @EnumSource
    void aWordNamesAStrategy(Kind kind) {
        assertThat(Kind.of(kind.toString())).isEqualTo(kind);
    }

    @Test
    void anUnknownWordIsRejectedWithTheKnownOnes() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Kind.of("ring"))
                .withMessage("'ring' is none of allreduce, paramserver, elastic, hybrid");
    }

    @Test
    void defaultsAreThoseOfTheDocument() {
        StrategyOptions hybrid = StrategyOptions.builder(Kind.HYBRID).build();
        assertThat(hybrid)
                .isEqualTo(new StrategyOptions(Kind.HYBRID, Kind.ELASTIC, 0, 0, new StaleSynchronous(3), 1, null));
        assertThat(hybrid.hasCentre()).isTrue();
        assertThat(hybrid.serversTrain()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"bsp, BulkSynchronous", "0, BulkSynchronous", "asp, AsynchronousParallel", "7, StaleSynchronous"})
    void aConsistencyHasAWord(String word, String expected) {
        StrategyOptions options =
                StrategyOptions.builder(Kind.PARAMSERVER).staleness(word).build();
        assertThat(options.consistency().getClass().getSimpleName()).isEqualTo(expected);
        assertThat(options.isBulkSynchronous()).isEqualTo(expected.startsWith("Bulk"));
    }

    @Test
    void anOptionOfAnotherStrategyIsRejected() {
        assertRejected(StrategyOptions.builder(Kind.ALLREDUCE).servers(2), "--servers 2 belongs to");
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).groups(2), "--groups 2 belongs to [hybrid]");
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).staleness("2"), "--staleness 2 belongs to");
        assertRejected(StrategyOptions.builder(Kind.PARAMSERVER).period(2), "--period 2 belongs to");
        assertRejected(StrategyOptions.builder(Kind.PARAMSERVER).movingRate(0.5), "--alpha 0.5 belongs to");
        assertRejected(
                StrategyOptions.builder(Kind.HYBRID).between(Kind.PARAMSERVER).period(2),
                "--period 2 belongs to --between elastic, not to --between paramserver");
        assertRejected(StrategyOptions.builder(Kind.HYBRID).between(Kind.HYBRID), "--between hybrid: expected one of");
    }

    @Test
    void aValueOutOfRangeIsRejected() {
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).servers(257), "--servers 257: expected 0 to 256");
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).period(0), "--period 0: expected 1 to 1000000");
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).movingRate(1.0), "--alpha 1.0: expected a number");
        assertRejected(StrategyOptions.builder(Kind.HYBRID).groups(0), "--groups 0: expected 1 or more");
        assertRejected(StrategyOptions.builder(Kind.PARAMSERVER).staleness("-1"), "--staleness -1: expected a number");
    }

    private static void assertRejected(StrategyOptions.Builder builder, String message) {
        assertThatIllegalArgumentException().isThrownBy(builder::build).withMessageStartingWith(message);
    }

    @Test
    void groupsAndRestartsMustFitTheRun() {
        StrategyOptions hybrid = StrategyOptions.builder(Kind.HYBRID).groups(3).build();
        hybrid.checkGroups(3, false);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> hybrid.checkGroups(2, true))
                .withMessage("--groups 3: expected 1 to 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StrategyOptions.builder(Kind.HYBRID).build().checkGroups(4, false))
                .withMessageEndingWith("give --groups G");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StrategyOptions.builder(Kind.ELASTIC).build().checkRestarts(1))
                .withMessageContaining("needs --servers K");
        StrategyOptions.builder(Kind.ELASTIC).servers(1).build().checkRestarts(1);
    }

    @ParameterizedTest
    @CsvSource({"PARAMSERVER, paramserver", "ELASTIC, elastic"})
    void optionsBecomeAServiceAndAStrategy(Kind kind, String name) throws InterruptedException {
        StrategyOptions options = StrategyOptions.builder(kind).build();
        List<String> names = Gyre.local(2).call(session -> {
            try (ParameterService service = options.configure(
                            ParameterService.builder(session),
                            consistency -> new Training(consistency, new GradientDescent(1)))
                    .start()) {
                String created =
                        options.create(service, ElementType.FLOAT32, 10, null).name();
                session.exchange("the end", new byte[0]);
                return created;
            }
        });
        assertThat(names).containsExactly(name, name);
    }
}
