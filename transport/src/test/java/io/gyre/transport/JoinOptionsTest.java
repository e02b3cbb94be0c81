package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.session.Session;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JoinOptionsTest {

    private static final Map<String, String> NEEDED =
            Map.of("GYRE_RANK", "1", "GYRE_WORLD_SIZE", "4", "GYRE_RENDEZVOUS", "127.0.0.1:4000");

    @Test
    void theEnvironmentOfALaunchedRankIsEnough() {
        JoinOptions options = JoinOptions.fromEnvironment(NEEDED);

        assertThat(options.rank()).isEqualTo(1);
        assertThat(options.worldSize()).isEqualTo(4);
        assertThat(options.rendezvous()).isEqualTo("127.0.0.1:4000");
        assertThat(options.transport()).isEqualTo(TransportMode.AUTO);
        assertThat(options.bind()).isNull();
        assertThat(options.hostId()).isNull();
        assertThat(options.ranksOnHost()).isEqualTo(4);
        assertThat(options.secret()).isNull();
        assertThat(options.trustedNetwork()).isFalse();
        assertThat(options.joinTimeout()).isEqualTo(Duration.ofSeconds(60));
        assertThat(options.peerTimeout()).isEqualTo(Session.DEFAULT_PEER_TIMEOUT);
    }

    @Test
    void allVariablesAreRead() {
        Map<String, String> environment = new HashMap<>(NEEDED);
        environment.putAll(Map.of(
                "GYRE_TRANSPORT", "udp",
                "GYRE_BIND", "10.0.0.7",
                "GYRE_HOST_ID", "left",
                "GYRE_LOCAL_SIZE", "2",
                "GYRE_JOIN_TIMEOUT", "600",
                "GYRE_TRUSTED_NETWORK", "true"));

        JoinOptions options = JoinOptions.fromEnvironment(environment);

        assertThat(options.transport()).isEqualTo(TransportMode.UDP);
        assertThat(options.bind()).isEqualTo("10.0.0.7");
        assertThat(options.hostId()).isEqualTo("left");
        assertThat(options.ranksOnHost()).isEqualTo(2);
        assertThat(options.trustedNetwork()).isTrue();
        assertThat(options.joinTimeout()).isEqualTo(Duration.ofMinutes(10));
    }

    @Test
    void theVariablesOfAnotherLauncherAreEnoughToo() {
        JoinOptions options = JoinOptions.fromEnvironment(Map.of(
                "PMI_RANK", "3",
                "PMI_SIZE", "4",
                "MPI_LOCALNRANKS", "2",
                "GYRE_RENDEZVOUS", "/shared/run",
                "GYRE_TRANSPORT", "udp"));

        assertThat(options.rank()).isEqualTo(3);
        assertThat(options.worldSize()).isEqualTo(4);
        assertThat(options.rendezvous()).isEqualTo("/shared/run");
        assertThat(options.ranksOnHost()).isEqualTo(2);
        assertThat(options.transport()).isEqualTo(TransportMode.UDP);
        assertThat(options.origin()).contains("started by MPICH (PMI_RANK)");
        assertThat(options.toBuilder().build().origin()).isEqualTo(options.origin());
    }

    @Test
    void withoutALauncherThereAreNoOptions() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JoinOptions.fromEnvironment(Map.of()))
                .withMessageContaining("no launcher has started this process as a rank");
        assertThat(JoinOptions.ifLaunched()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"GYRE_RANK", "GYRE_WORLD_SIZE", "GYRE_RENDEZVOUS"})
    void aMissingVariableIsNamed(String name) {
        Map<String, String> environment = new HashMap<>(NEEDED);
        environment.remove(name);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> JoinOptions.fromEnvironment(environment))
                .withMessageContaining(name.equals("GYRE_RENDEZVOUS") ? "set " + name : "is set, but not " + name);
    }

    @ParameterizedTest
    @CsvSource({
        "GYRE_RANK, one, GYRE_RANK = 'one' is not a whole number",
        "GYRE_WORLD_SIZE, 4.0, GYRE_WORLD_SIZE = '4.0' is not a whole number",
        "GYRE_LOCAL_SIZE, x, GYRE_LOCAL_SIZE = 'x' is not a whole number",
        "GYRE_TRANSPORT, tcp, 'GYRE_TRANSPORT: transport ''tcp'' is unknown: auto, shm, ipc or udp'",
        "GYRE_TRUSTED_NETWORK, yes, GYRE_TRUSTED_NETWORK = 'yes' is neither true nor false",
        "GYRE_RANK, 4, 'Gyre says that this is rank 4 of 4, which cannot be'",
        "GYRE_RANK, -2, 'Gyre says that this is rank -2 of 4, which cannot be'",
        "GYRE_JOIN_TIMEOUT, 0, GYRE_JOIN_TIMEOUT = '0' is not a positive number of seconds",
    })
    void aWrongVariableIsNamedWithItsValue(String name, String value, String message) {
        Map<String, String> environment = new HashMap<>(NEEDED);
        environment.put(name, value);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> JoinOptions.fromEnvironment(environment))
                .withMessageContaining(message);
    }

    @Test
    void aWorldNeedsARank() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        JoinOptions.builder(JoinOptions.ANY_RANK, 0, "file").build())
                .withMessageContaining("world size 0 is not positive");
    }

    @ParameterizedTest
    @ValueSource(ints = {-32, 100, 1_409, 65_536})
    void aDatagramHasALengthThatAeronTakes(int mtu) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JoinOptions.builder(0, 1, "file").mtu(mtu).build())
                .withMessageContaining("mtu " + mtu + " is not 0");
    }

    @Test
    void timeoutsArePositive() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JoinOptions.builder(0, 1, "file")
                        .joinTimeout(Duration.ZERO)
                        .build())
                .withMessageContaining("joinTimeout PT0S is not positive");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> JoinOptions.builder(0, 1, "file")
                        .peerTimeout(Duration.ofSeconds(-1))
                        .build())
                .withMessageContaining("peerTimeout PT-1S is not positive");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        JoinOptions.builder(0, 1, "file").pause(Duration.ZERO).build())
                .withMessageContaining("pause PT0S is not positive");
    }

    @Test
    void aBuilderOfOptionsKeepsThemAll() {
        JoinOptions options = JoinOptions.builder(1, 3, "file")
                .transport(TransportMode.IPC)
                .bind("::1")
                .hostId("here")
                .ranksOnHost(2)
                .mtu(8_960)
                .secret(RunSecret.random(new SecureRandom()))
                .trustedNetwork(true)
                .joinTimeout(Duration.ofSeconds(1))
                .peerTimeout(Duration.ofSeconds(2))
                .pause(Duration.ofMillis(1))
                .build();

        assertThat(options.toBuilder().build().secret()).isEqualTo(options.secret());
        assertThat(options.toBuilder().build()).hasToString(options.toString());
        assertThat(options)
                .hasToString("JoinOptions[rank=1, worldSize=3, rendezvous=file, transport=ipc, bind=::1, hostId=here,"
                        + " ranksOnHost=2, mtu=8960, secret=given, trustedNetwork=true, joinTimeout=PT1S,"
                        + " peerTimeout=PT2S, pause=PT0.001S]");
    }
}
