package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CanaryTest {

    private static final byte[] SECRET = random(1);

    private final Canary canary = new Canary(SECRET);

    private static byte[] random(long seed) {
        byte[] bytes = new byte[32];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    static Stream<String> leaks() {
        return Stream.of(
                HexFormat.of().formatHex(SECRET),
                HexFormat.of().withUpperCase().formatHex(SECRET),
                HexFormat.ofDelimiter(":").formatHex(SECRET),
                Arrays.toString(SECRET),
                "key " + HexFormat.of().formatHex(SECRET, 0, 16) + " of it",
                HexFormat.of().formatHex(SECRET, 16, 32),
                Base64.getEncoder().encodeToString(SECRET),
                Base64.getUrlEncoder().withoutPadding().encodeToString(SECRET),
                new String(SECRET, StandardCharsets.UTF_8));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("leaks")
    void aLeakIsFoundInEveryForm(String leak) {
        assertThat(canary.formsIn("INFO before " + leak + " after")).isNotEmpty();
    }

    @Test
    void base64IsFoundWhereverItBegins() {
        for (int before = 0; before < 6; before++) {
            byte[] whole = new byte[before + SECRET.length + 7];
            System.arraycopy(SECRET, 0, whole, before, SECRET.length);

            assertThat(canary.formsIn(Base64.getEncoder().encodeToString(whole)))
                    .as("after " + before + " bytes")
                    .anyMatch(form -> form.startsWith("first half"))
                    .anyMatch(form -> form.startsWith("second half"));
        }
    }

    @Test
    void rawBytesAreFoundInFilesAlsoWhereBlocksMeet(@TempDir Path directory) throws Exception {
        for (int at : new int[] {0, (1 << 20) - 7, (2 << 20) + 1024 - 31, 3_000_000 - 32}) {
            byte[] content = new byte[3_000_000];
            System.arraycopy(SECRET, 0, content, at, SECRET.length);
            Path file = Files.write(Files.createDirectories(directory.resolve("at")).resolve("file"), content);

            assertThat(canary.findsIn(directory)).as("at " + at).contains(file + ": first half, raw");
        }
    }

    @Test
    void anotherSecretIsNotTakenForIt(@TempDir Path directory) throws Exception {
        Files.write(directory.resolve("other"), random(2));
        Files.writeString(directory.resolve("text"), HexFormat.of().formatHex(random(3)));

        assertThat(canary.findsIn(directory)).isEmpty();
    }

    @Test
    void aSecretThatMayBeFoundByChanceIsRejected() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Canary(new byte[31]));
    }
}
