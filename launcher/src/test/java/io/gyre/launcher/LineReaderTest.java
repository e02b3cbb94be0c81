package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LineReaderTest {

    private static List<String> lines(InputStream in) throws IOException {
        List<String> lines = new ArrayList<>();
        LineReader.read(in, line -> lines.add(new String(line, StandardCharsets.UTF_8)));
        return lines;
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void linesAreWhatStandsBetweenNewlines() throws IOException {
        assertThat(lines(stream("one\n\ntwo\n"))).containsExactly("one", "", "two");
    }

    @Test
    void aLastLineNeedsNoEnd() throws IOException {
        assertThat(lines(stream("one\ntwo"))).containsExactly("one", "two");
    }

    @Test
    void charactersThatArriveInPiecesStayWhole() throws IOException {
        InputStream byteByByte = new InputStream() {
            private final InputStream bytes = stream("größer\nweiter\n");

            @Override
            public int read() throws IOException {
                return bytes.read();
            }

            @Override
            public int read(byte[] into, int offset, int length) throws IOException {
                return bytes.read(into, offset, 1);
            }
        };

        assertThat(lines(byteByByte)).containsExactly("größer", "weiter");
    }

    @Test
    void aLineWithoutEndIsCut() throws IOException {
        String longest = "x".repeat(LineReader.LONGEST);

        assertThat(lines(stream(longest + longest + "y\n"))).containsExactly(longest, longest, "y");
    }
}
