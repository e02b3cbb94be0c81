package io.gyre.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.local.Gyre;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GroupsTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            4 | 2 | [0, 1] [2, 3]
            5 | 2 | [0, 1, 2] [3, 4]
            3 | 3 | [0] [1] [2]
            3 | 1 | [0, 1, 2]
            """)
    void neighboursAreAGroup(int ranks, int count, String groups) {
        assertThat(Groups.of(ranks, count)).hasToString(groups);
        assertThat(Groups.of(ranks, count).count()).isEqualTo(count);
    }

    @Test
    void theFirstOfAGroupLeadsIt() {
        Groups groups = new Groups(List.of(List.of(0, 3), List.of(1, 2, 4)));

        assertThat(groups.leads()).containsExactly(0, 1);
        assertThat(groups.isLead(1)).isTrue();
        assertThat(groups.isLead(3)).isFalse();
        assertThat(groups.of(4)).containsExactly(1, 2, 4);
        assertThatIllegalArgumentException().isThrownBy(() -> groups.of(5)).withMessageContaining("rank 5 is in none");
    }

    @Test
    void whatIsNoDivisionIsRefused() {
        List<List<List<Integer>>> wrong = List.of(
                List.of(),
                List.of(List.of()),
                List.of(List.of(0, 2)),
                List.of(List.of(1, 0)),
                List.of(List.of(1), List.of(0)),
                List.of(List.of(0, 1), List.of(1, 2)));
        for (List<List<Integer>> members : wrong) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Groups(members))
                    .withMessageContaining("groups");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Groups.of(2, 3))
                .withMessageContaining("3 groups of 2 ranks");
    }

    @Test
    void ranksOfAJvmShareMemoryAndAreAGroup() throws Exception {
        List<Groups> groups = Gyre.local(4).call(session -> Groups.byHost(session, 3));

        assertThat(groups).hasSize(4).containsOnly(new Groups(List.of(List.of(0, 1, 2))));
    }
}
