package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class ParserContractTest {

    @Test
    void aResultAndADocumentedErrorKeepThePromise() {
        assertThat(ParserContract.parse(1, () -> "read", IOException.class)).isEqualTo("read");
        assertThat(ParserContract.<String>parse(
                        1,
                        () -> {
                            throw new java.io.EOFException("cut off");
                        },
                        IOException.class))
                .isNull();
    }

    @Test
    void everyOtherErrorBreaksIt() {
        assertThatThrownBy(() -> ParserContract.parse(
                        1,
                        () -> {
                            throw new IndexOutOfBoundsException("7");
                        },
                        IOException.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("undocumented: java.lang.IndexOutOfBoundsException: 7");
        assertThatThrownBy(() -> ParserContract.parse(
                        1,
                        () -> {
                            throw new IOException();
                        },
                        IOException.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("without a message");
        assertThatThrownBy(() -> ParserContract.parse(
                        1,
                        () -> {
                            throw new IOException("x".repeat(3_000));
                        },
                        IOException.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("a message of 3000 characters");
    }

    @Test
    void anAllocationOutOfProportionBreaksIt() {
        assertThatThrownBy(() -> ParserContract.parse(10, () -> new byte[8 << 20], IOException.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("bytes for an input of 10");
        assertThat(ParserContract.parse(1 << 20, () -> new byte[8 << 20], IOException.class))
                .isNotNull();
    }
}
