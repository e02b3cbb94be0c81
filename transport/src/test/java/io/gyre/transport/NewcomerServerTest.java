package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes from elsewhere ask to take part in a run with seats. */
@Timeout(60)
class NewcomerServerTest {

    private static final Map<String, String> VARIABLES = Map.of("GYRE_SEATS", "4", "OMP_NUM_THREADS", "1");

    @TempDir
    private Path directory;

    private final RunSecret token = RunSecret.random(new SecureRandom());
    private final List<String> news = new CopyOnWriteArrayList<>();

    private NewcomerServer open(RunSecret proof) {
        return NewcomerServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                proof,
                false,
                4,
                "train mlp",
                VARIABLES,
                token,
                news::add);
    }

    private Map<String, String> environment(RunSecret secret) {
        Path file = directory.resolve("secret");
        secret.write(file);
        return Map.of("GYRE_SECRET_FILE", file.toString());
    }

    @ParameterizedTest(name = "with a secret: {0}")
    @ValueSource(booleans = {true, false})
    void whoProvesTheSecretOrTheUserGetsWhatTheLaunchersProcessesHave(boolean withSecret) {
        RunSecret proof = withSecret ? RunSecret.random(new SecureRandom()) : null;
        try (NewcomerServer server = open(proof)) {
            Map<String, String> environment = proof == null ? Map.of() : environment(proof);

            Invitation invitation = Invitation.ask(server.endpoint(), environment, "train mlp");

            assertThat(invitation.variables()).isEqualTo(VARIABLES);
            assertThat(invitation.token()).isEqualTo(token);
            assertThat(invitation.toString()).contains("hidden");
        }
        assertThat(news).singleElement().asString().contains("a newcomer (host ", " is admitted");
    }

    @Test
    void anotherProgramIsRefusedAndBothAreNamed() {
        try (NewcomerServer server = open(null)) {
            assertThatThrownBy(() -> Invitation.ask(server.endpoint(), Map.of(), "train mlp --batch 8"))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll(
                            "this process cannot join the run at " + server.endpoint(),
                            "has another program or other options: 'train mlp --batch 8', and the run has 'train mlp'");
        }
        assertThat(news).singleElement().asString().contains("has another program");
    }

    @Test
    void aStrangerGetsNothing() {
        try (NewcomerServer server = open(RunSecret.random(new SecureRandom()))) {
            Map<String, String> another = environment(RunSecret.random(new SecureRandom()));

            assertThatThrownBy(() -> Invitation.ask(server.endpoint(), another, "train mlp"))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContaining("did not prove this run's secret");
            assertThatThrownBy(() -> Invitation.ask(server.endpoint(), Map.of(), "train mlp"))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContaining("did not prove this run's secret");
        }
        assertThat(news).isEmpty();
    }

    @Test
    void whatCannotBeIsNamed() {
        assertThatThrownBy(() -> Invitation.ask("/tmp/file", Map.of(), ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'/tmp/file' is not an address");
        assertThatThrownBy(() -> Invitation.ask("192.0.2.1:9", Map.of(), ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("192.0.2.1 is not loopback, and there is no secret");
        NewcomerServer closed = open(null);
        closed.close();
        closed.close();
        assertThatThrownBy(() -> Invitation.ask(closed.endpoint(), Map.of(), ""))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("no run with seats can be joined at " + closed.endpoint());
    }
}
