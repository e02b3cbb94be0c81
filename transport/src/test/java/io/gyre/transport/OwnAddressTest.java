package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import org.junit.jupiter.api.Test;

class OwnAddressTest {

    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

    private static JoinOptions.Builder options(int rank) {
        return JoinOptions.builder(rank, 4, "h:5");
    }

    @Test
    void theRouteToTheRendezvousChooses() throws IOException {
        OwnAddress own = OwnAddress.choose(options(1).build(), LOOPBACK);

        assertThat(own.address()).isEqualTo(LOOPBACK);
        assertThat(own).hasToString("127.0.0.1 (on the route to 127.0.0.1)");
    }

    @Test
    void anotherLoopbackAddressIsReachedFromTheUsualOne() throws IOException {
        assertThat(OwnAddress.towards(InetAddress.getByName("127.0.0.2")).address())
                .matches(InetAddress::isLoopbackAddress);
    }

    @Test
    void whatTheUserNamesComesFirst() throws IOException {
        assertThat(OwnAddress.choose(options(0).bind("127.0.0.3").build(), LOOPBACK))
                .hasToString("127.0.0.3 (as GYRE_BIND or bind() says)");
    }

    @Test
    void anInterfaceMayBeNamedInstead() throws IOException {
        assumeThat(NetworkInterface.getByName("lo")).isNotNull();

        assertThat(OwnAddress.isInterface("lo")).isTrue();
        assertThat(OwnAddress.named("lo")).hasToString("127.0.0.1 (that of interface lo)");
        assertThat(OwnAddress.isInterface("127.0.0.1")).isFalse();
    }

    @Test
    void whatIsNeitherIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> OwnAddress.named("nowhere.invalid"))
                .withMessageContaining("no host and no network interface is called 'nowhere.invalid'");
    }

    @Test
    void ranksOfOneHostNeedNoRoute() throws IOException {
        assertThat(OwnAddress.choose(options(0).build(), null))
                .hasToString("127.0.0.1 (loopback, as all ranks are on this host)");
        assertThat(OwnAddress.choose(
                        options(0).ranksOnHost(2).transport(TransportMode.SHM).build(), null))
                .matches(own -> own.address().isLoopbackAddress());
    }

    @Test
    void rankZeroOfSeveralHostsDoesNotKeepALoopbackAddress() throws IOException {
        JoinOptions several = options(0).ranksOnHost(2).build();
        OwnAddress byDefault;
        try {
            byDefault = OwnAddress.choose(several, null);
        } catch (IOException e) {
            assumeThat(e.getMessage()).as("there is a default route").isNull();
            return;
        }

        assertThat(byDefault.address().isLoopbackAddress()).isFalse();
        assertThat(byDefault.why()).contains("on the default route");
        assertThat(OwnAddress.choose(several, LOOPBACK)).isEqualTo(byDefault);
        assertThat(OwnAddress.choose(several.toBuilder().build(), byDefault.address())
                        .address())
                .isEqualTo(byDefault.address());
        assertThat(OwnAddress.isOwn(byDefault.address())).isTrue();
        assertThat(OwnAddress.isOwn(InetAddress.getByName("203.0.113.1"))).isFalse();
    }
}
