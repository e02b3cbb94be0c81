package io.gyre.transport;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Test cases of RFC 5869, appendix A; the second label is bytes that are no text, so that case is not here. */
class HkdfTest {

    private static final byte[] SECRET = HexFormat.of().parseHex("0b".repeat(22));

    @Test
    void withoutSaltAndLabel() {
        assertThat(HexFormat.of().formatHex(Hkdf.derive(SECRET, new byte[0], "", 42)))
                .isEqualTo("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d" + "9d201395faa4b61a96c8");
    }

    @Test
    void withSaltAndLabel() {
        // By Python's hmac: extract with the salt of case 1, expand with the label "gyre".
        byte[] salt = HexFormat.of().parseHex("000102030405060708090a0b0c");
        assertThat(HexFormat.of().formatHex(Hkdf.derive(SECRET, salt, "gyre", 70)))
                .isEqualTo("d09452b565592ebac650375314134769ca2ab5fe39c8952b1d4e0992e719d048"
                        + "1b3b82e7f05756addcd5478cc4d5ca32535453b9c97af1cc0e3762b26dfdbd8d"
                        + "6e34b8bf6270");
    }

    @Test
    void aLongerKeyBeginsAsAShorterOne() {
        byte[] salt = "salt".getBytes(UTF_8);
        assertThat(Hkdf.derive(SECRET, salt, "label", 100)).startsWith(Hkdf.derive(SECRET, salt, "label", 33));
    }
}
