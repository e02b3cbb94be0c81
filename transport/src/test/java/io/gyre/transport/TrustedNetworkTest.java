package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrustedNetworkTest {

    private static final RunSecret GIVEN = RunSecret.random(new SecureRandom());
    private static final InetSocketAddress LOOPBACK = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
    private static final InetSocketAddress OTHER = new InetSocketAddress("192.0.2.1", 1);

    @Test
    void aGivenSecretIsTakenWhateverTheAddresses() {
        for (boolean trusted : new boolean[] {false, true}) {
            assertThat(TrustedNetwork.secret(GIVEN, trusted, false, List.of(LOOPBACK, OTHER)))
                    .isEqualTo(GIVEN);
        }
    }

    @Test
    void withoutOneTheUserIsProvedOnLoopbackAndOnOneHost() {
        RunSecret user = UserKey.read(RunDirectory.sharedMemory());
        assertThat(TrustedNetwork.secret(null, false, false, List.of(LOOPBACK))).isEqualTo(user);
        assertThat(TrustedNetwork.secret(null, false, true, List.of(OTHER))).isEqualTo(user);
        assertThat(TrustedNetwork.isKnown(user)).isFalse();
    }

    @Test
    void onATrustedNetworkNothingIsProvedOnAnyAddressSoThatAllRanksAgree() {
        for (InetSocketAddress address : List.of(LOOPBACK, OTHER)) {
            RunSecret known = TrustedNetwork.secret(null, true, false, List.of(address));
            assertThat(TrustedNetwork.isKnown(known)).isTrue();
        }
    }

    @Test
    void anAddressThatOthersReachNeedsASecret() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TrustedNetwork.secret(null, false, false, List.of(LOOPBACK, OTHER)))
                .withMessageContainingAll(
                        "192.0.2.1 is not loopback, and there is no secret",
                        "gyre secret FILE",
                        "GYRE_SECRET_FILE=FILE",
                        "secret(RunSecret.read(FILE))",
                        "GYRE_TRUSTED_NETWORK=true");
    }

    @Test
    void aNameThatNobodyHasIsNamedInEveryCase() {
        List<InetSocketAddress> nobody = List.of(InetSocketAddress.createUnresolved("nowhere", 0));
        for (RunSecret given : new RunSecret[] {null, GIVEN}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> TrustedNetwork.secret(given, true, true, nobody))
                    .withMessageContaining("no host is called 'nowhere'");
        }
    }
}
