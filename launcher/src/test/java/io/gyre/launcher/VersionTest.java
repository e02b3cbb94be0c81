package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VersionTest {

    /** Unpackaged classes do not know their version, and there is no Deeplearning4j here. */
    @ParameterizedTest
    @ValueSource(strings = {"--version", "-V", "doctor --version", "run -V"})
    void allCommandsTellTheVersionOfWhatRuns(String arguments) {
        StringWriter out = new StringWriter();

        assertThat(GyreCommandLine.of(new GyreMain())
                        .setOut(new PrintWriter(out))
                        .execute(arguments.split(" ", -1)))
                .isZero();

        assertThat(out.toString().lines())
                .satisfiesExactly(
                        gyre -> assertThat(gyre).matches("Gyre (unknown|\\d.*, commit ([0-9a-f]{7,}|unknown))"),
                        java -> assertThat(java).startsWith("Java " + Runtime.version() + " ("),
                        dl4j -> assertThat(dl4j).matches("Deeplearning4j (\\d.*|unknown \\(not on the class path\\))"),
                        aeron -> assertThat(aeron).matches("Aeron \\d+\\.\\d+\\.\\d+"),
                        system -> assertThat(system).contains(System.getProperty("os.name")));
    }
}
