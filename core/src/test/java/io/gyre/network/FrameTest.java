package io.gyre.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.DisagreementException;
import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.network.Frame.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FrameTest {

    private final Activity activity = new Activity();
    private final Frame frame = new Frame().set(Kind.ALL_GATHER, 17, 3, 2, 4000, 64);

    FrameTest() {
        activity.begin("all-reduce (ring)", 17, 3, 6);
        activity.waitingFor(new Member(5, "ant", 4711), 4);
    }

    @Test
    void theFrameThatIsDuePasses() {
        assertThatCode(() -> frame.expect(Kind.ALL_GATHER, 17, 3, 2, 4000, 64, activity))
                .doesNotThrowAnyException();
    }

    @Test
    void everyFieldIsCompared() {
        assertRefused(Kind.BROADCAST, 17, 3, 2, 4000, 64);
        assertRefused(Kind.ALL_GATHER, 18, 3, 2, 4000, 64);
        assertRefused(Kind.ALL_GATHER, 17, 4, 2, 4000, 64);
        assertRefused(Kind.ALL_GATHER, 17, 3, 1, 4000, 64);
        assertRefused(Kind.ALL_GATHER, 17, 3, 2, 4004, 64);
        assertRefused(Kind.ALL_GATHER, 17, 3, 2, 4000, 60);
    }

    private void assertRefused(Kind kind, long step, int bucket, int chunk, long vectorBytes, long atMost) {
        assertThatThrownBy(() -> frame.expect(kind, step, bucket, chunk, vectorBytes, atMost, activity))
                .isInstanceOf(DisagreementException.class)
                .hasMessage("in all-reduce (ring) of bucket 3, step 17, hop 4 of 6 rank 5 (host ant, pid 4711) sent "
                        + "ALL_GATHER of step 17, bucket 3, chunk 2 of a vector of 4000 bytes, with 64 bytes, but "
                        + kind
                        + " of step " + step + ", bucket " + bucket + ", chunk " + chunk + " of a vector of "
                        + vectorBytes + " bytes was due, with at most " + atMost
                        + " bytes. All ranks must call the same collectives in the same order with the same sizes.");
    }

    @ParameterizedTest
    @EnumSource
    void kindsKeepTheirCode(Kind kind) {
        assertThat(Kind.of(kind.code())).isEqualTo(kind);
    }

    @ParameterizedTest
    @ValueSource(bytes = {0, -1, 9, 127, -128})
    void otherCodesAreForeign(byte code) {
        assertThatThrownBy(() -> Kind.of(code))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining(Byte.toString(code));
    }
}
