package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostListTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "a | a",
                "a,b | a,b",
                "a, b | a,b",
                "n[1-2,5] | n1,n2,n5",
                "n[08-11] | n08,n09,n10,n11",
                "n[1-2,5],gpu[01-02],x | n1,n2,n5,gpu01,gpu02,x",
                "n[3]-ib.example.org | n3-ib.example.org",
                "r[1-2]n[7-8] | r1n7,r1n8,r2n7,r2n8",
                "n[999-1000] | n999,n1000",
                "n[5-5] | n5",
            })
    void namesAreSpelledOut(String list, String names) {
        assertThat(String.join(",", HostList.expand(list))).isEqualTo(names);
    }

    @ParameterizedTest(name = "\"{0}\"")
    @ValueSource(
            strings = {"", ",", "a,", "n[", "n[1", "n]1[", "n1]", "n[]", "n[a]", "n[1-]", "n[2-1]", "n[1-2-3]", "n[[1]]"
            })
    void whatIsMalformedIsRefusedInFull(String list) {
        assertThatThrownBy(() -> HostList.expand(list))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("host list \"" + list + "\"");
    }

    @Test
    void aListThatWouldNotEndIsRefused() {
        assertThatThrownBy(() -> HostList.expand("n[1-60000][1-60000]"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("more than 65536 hosts");
    }

    @Test
    void aListOfNamesTooLongIsRefusedBeforeTheyAreSpelledOut() {
        assertThatThrownBy(() -> HostList.expand("n[1-60000]" + "x".repeat(100_000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a name of 100000 characters, at most 253 are possible")
                .hasMessageMatching("(?s).{1,1000}");
        assertThatThrownBy(() -> HostList.expand("n".repeat((1 << 17) + 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("131073 characters, at most 131072 are possible");
    }

    @Test
    void whatFollowsARangeIsReadOnce() {
        assertThatThrownBy(() -> HostList.expand("n[1-60000]" + "[1" + " ".repeat(100_000) + ",x]"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'x' is not a number");
        assertThat(HostList.expand("n[1-2][1" + " ".repeat(100_000) + "]")).containsExactly("n11", "n21");
    }

    @Test
    void manyBracketsAreRefusedBeforeTheyAreSpelledOut() {
        assertThatThrownBy(() -> HostList.expand("n" + "[1-9]".repeat(20_000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 253 are possible");
    }
}
