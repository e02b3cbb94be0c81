package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.paramserver.StrategyOptions.Kind;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SeatedGroupsTest {

    private static StrategyOptions.Builder hybrid() {
        return StrategyOptions.builder(Kind.HYBRID).servers(1).groups(2);
    }

    private static SeatedGroups of(StrategyOptions options, int group) {
        return new SeatedGroups(
                options,
                consistency -> new Training(consistency, new GradientDescent(1)),
                ElementType.FLOAT32,
                10,
                group,
                () -> {
                    throw new AssertionError("nothing is joined before there is a lead");
                });
    }

    static Stream<Arguments> options() {
        return Stream.of(
                Arguments.of("", (UnaryOperator<StrategyOptions.Builder>) options -> options),
                Arguments.of("", (UnaryOperator<StrategyOptions.Builder>) options -> options.between(Kind.PARAMSERVER)),
                Arguments.of("without --servers K", (UnaryOperator<StrategyOptions.Builder>)
                        options -> options.servers(null)),
                Arguments.of(
                        "without --groups G", (UnaryOperator<StrategyOptions.Builder>) options -> options.groups(null)),
                Arguments.of(
                        "without --groups G", (UnaryOperator<StrategyOptions.Builder>) options -> options.groups(1)),
                Arguments.of("--staleness bsp", (UnaryOperator<StrategyOptions.Builder>)
                        options -> options.between(Kind.PARAMSERVER).staleness("bsp")),
                Arguments.of("local steps", (UnaryOperator<StrategyOptions.Builder>)
                        options -> options.servers(null).between(Kind.DILOCO)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("options")
    void whatCannotGoOnIsNamed(String part, UnaryOperator<StrategyOptions.Builder> change) {
        StrategyOptions options = change.apply(hybrid()).build();
        if (part.isEmpty()) {
            assertThat(SeatedGroups.obstacle(options)).isEmpty();
        } else {
            assertThat(SeatedGroups.obstacle(options)).contains(part);
            assertThatThrownBy(() -> of(options, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(part);
        }
    }

    @Test
    void aGroupIsOneOfThoseThatThereAre() {
        assertThatThrownBy(() -> of(hybrid().build(), 2)).hasMessageContaining("group 2: expected 0 to 1");
    }

    /** A process that never led its group has nothing to leave, and does not speak for it. */
    @Test
    void aProcessThatDoesNotLeadHasNoPlace() {
        try (SeatedGroups groups = of(hybrid().build(), 1)) {
            assertThat(groups.isFirst()).isFalse();
            assertThat(groups.lostServers()).isEmpty();
            assertThat(groups.maxStaleness()).isZero();
            groups.end();
            groups.leave();
        }
    }
}
