package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.ProtocolException;
import io.gyre.startup.StartupTable;
import java.nio.charset.StandardCharsets;

/** What ranks send each other in the start-up check. */
class StartupTableFuzzTest {

    @FuzzTest
    void parse(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        StartupTable table =
                ParserContract.parse(bytes.length, () -> StartupTable.parse(text), ProtocolException.class);
        if (table != null) {
            assertThat(StartupTable.parse(table.text())).isEqualTo(table);
        }
    }
}
