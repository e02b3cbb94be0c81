package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ByteSizeTest {

    private final ByteSize.Converter converter = new ByteSize.Converter();

    @ParameterizedTest
    @CsvSource({"4096, 4096", "64K, 65536", "100M, 104857600", "2G, 2147483648", "8589934591G, 9223372035781033984"})
    void aNumberWithAUnitIsRead(String text, long bytes) {
        assertThat(converter.convert(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "-4", "4k", "4 K", "4KB", "1e3", "1234567890123", "6"})
    void everythingElseIsRefused(String text) {
        assertThatThrownBy(() -> converter.convert(text))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("'" + text + "'");
    }

    @Test
    void aNumberThatOverflowsIsRefused() {
        assertThatThrownBy(() -> converter.convert("999999999999G"))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("'999999999999G' is more than 9223372036854775807 bytes");
    }
}
