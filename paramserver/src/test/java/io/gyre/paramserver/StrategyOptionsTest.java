package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.ElementType;
import io.gyre.local.Gyre;
import io.gyre.paramserver.StrategyOptions.Kind;
import io.gyre.training.LocalSettings;
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
                .withMessage("'ring' is none of allreduce, paramserver, elastic, hybrid, post-local, diloco");
    }

    @Test
    void defaultsAreThoseOfTheDocument() {
        StrategyOptions hybrid = StrategyOptions.builder(Kind.HYBRID).build();
        assertThat(hybrid)
                .isEqualTo(new StrategyOptions(
                        Kind.HYBRID, Kind.ELASTIC, 0, 0, 0, new StaleSynchronous(3), 1, null, null));
        assertThat(hybrid.hasCentre()).isTrue();
        assertThat(hybrid.serversTrain()).isFalse();
        assertThat(hybrid.hasService()).isTrue();
        assertThat(StrategyOptions.builder(Kind.ALLREDUCE).build().hasService()).isFalse();
    }

    @Test
    void localStepsHaveTheDefaultsOfTheDocumentAndNoService() {
        StrategyOptions postLocal = StrategyOptions.builder(Kind.POST_LOCAL).build();
        assertThat(postLocal.local()).isEqualTo(LocalSettings.postLocal(100, 8));
        StrategyOptions diloco = StrategyOptions.builder(Kind.DILOCO).build();
        assertThat(diloco.local()).isEqualTo(LocalSettings.diloco(50, 1, 0.7, 0.9));
        StrategyOptions hybrid = StrategyOptions.builder(Kind.HYBRID)
                .between(Kind.DILOCO)
                .groups(2)
                .period(20)
                .fragments(4)
                .outerRate(1.0)
                .outerMomentum(0.0)
                .delay(1)
                .build();
        assertThat(hybrid.local()).isEqualTo(LocalSettings.diloco(20, 4, 1, 0).delayed(1));
        for (StrategyOptions options : List.of(postLocal, diloco, hybrid)) {
            assertThat(options.hasLocalSteps()).isTrue();
            assertThat(options.hasService()).isFalse();
            assertThat(options.hasCentre()).isFalse();
            assertThat(options.serversTrain()).isFalse();
        }
    }

    @Test
    void groupsOfLocalStepsNeedNoService() throws InterruptedException {
        List<String> groups = Gyre.local(3).call(session -> {
            StrategyOptions alone = StrategyOptions.builder(Kind.DILOCO).build();
            StrategyOptions hybrid = StrategyOptions.builder(Kind.HYBRID)
                    .between(Kind.POST_LOCAL)
                    .groups(2)
                    .build();
            return alone.groups(session) + ", " + hybrid.groups(session);
        });
        assertThat(groups).containsOnly("[0] [1] [2], [0, 1] [2]");
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
                "--period 2 belongs to --between [elastic, post-local, diloco], not to --between paramserver");
        assertRejected(StrategyOptions.builder(Kind.HYBRID).between(Kind.HYBRID), "--between hybrid: expected one of");
        assertRejected(StrategyOptions.builder(Kind.DILOCO).servers(1), "--servers 1 belongs to");
        assertRejected(StrategyOptions.builder(Kind.DILOCO).localAfter(5L), "--local-after 5 belongs to");
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).fragments(2), "--fragments 2 belongs to [diloco, hybrid]");
        assertRejected(StrategyOptions.builder(Kind.POST_LOCAL).outerRate(0.5), "--outer-rate 0.5 belongs to");
        assertRejected(
                StrategyOptions.builder(Kind.HYBRID).between(Kind.DILOCO).servers(1),
                "--servers 1 belongs to --between [elastic, paramserver], not to --between diloco");
        assertRejected(
                StrategyOptions.builder(Kind.HYBRID).outerMomentum(0.5),
                "--outer-momentum 0.5 belongs to --between diloco, not to --between elastic");
    }

    @Test
    void aValueOutOfRangeIsRejected() {
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).servers(257), "--servers 257: expected 0 to 256");
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).period(0), "--period 0: expected 1 to 1000000");
        assertRejected(StrategyOptions.builder(Kind.ELASTIC).movingRate(1.0), "--alpha 1.0: expected a number");
        assertRejected(StrategyOptions.builder(Kind.HYBRID).groups(0), "--groups 0: expected 1 or more");
        assertRejected(StrategyOptions.builder(Kind.DILOCO).period(4).fragments(5), "--fragments 5: expected 1 to 4");
        assertRejected(StrategyOptions.builder(Kind.DILOCO).outerRate(0.0), "--outer-rate 0.0: expected a number");
        assertRejected(StrategyOptions.builder(Kind.DILOCO).outerMomentum(1.0), "--outer-momentum 1.0: expected 0");
        assertRejected(StrategyOptions.builder(Kind.DILOCO).delay(2), "--outer-delay 2: expected 0 to 1");
        assertRejected(
                StrategyOptions.builder(Kind.POST_LOCAL).localAfter(-1L), "--local-after -1: expected 0 or more");
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
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        StrategyOptions.builder(Kind.HYBRID).servers(2).build().checkRestarts(1))
                .withMessageContaining("Give --backups 1");
        StrategyOptions.builder(Kind.HYBRID).servers(2).backups(1).build().checkRestarts(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StrategyOptions.builder(Kind.DILOCO).build().checkRestarts(1))
                .withMessageContaining("without servers");
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
