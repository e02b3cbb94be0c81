package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.World;
import io.gyre.session.Session;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a rank tells the others of its data, and when it waits for them. */
class DataAttestationTest {

    private static final int RANKS = 4;
    private static final String WAIT = "wait";

    private final List<String> calls = new ArrayList<>();

    @Test
    void aRankAttestsBeforeEachStepAndWaitsOnceInACall() {
        DataAttestation alone = attestation(new World(0, 1));

        alone.beginCall(true, false);
        read(alone, 0);
        read(alone, 1);
        alone.endCall();
        alone.beginCall(true, false);
        read(alone, 2);
        alone.endCall();

        assertThat(calls)
                .containsExactly(
                        "place 0 of epoch 0 in call 1",
                        WAIT,
                        "place 1 of epoch 0 in call 1",
                        "place 2 of epoch 0 in call 2",
                        WAIT);
    }

    @Test
    void aRankOfAGroupThatIsNotItsLeadAttestsTheFirstDataOnly() {
        DataAttestation second = attestation(new World(1, 2));

        second.beginCall(true, false);
        read(second, 0);
        read(second, 1);
        second.endCall();

        assertThat(calls).containsExactly("place 0 of epoch 0 in call 1", WAIT);
    }

    @Test
    void aRestartedWorkerMakesTheSameExchangesAndAttestsFromTheNextCallOn() {
        DataAttestation restarted = attestation(new World(0, 1));

        restarted.beginCall(true, true);
        restarted.endCall();
        restarted.beginCall(true, true);
        read(restarted, 0);
        restarted.endCall();
        restarted.beginCall(true, false);
        read(restarted, 1);

        assertThat(calls).containsExactly(WAIT, WAIT, "place 1 of epoch 0 in call 3", WAIT);
    }

    @Test
    void valuesThatAreUnknownAreAwaitedAndNotAttested() {
        DataAttestation alone = attestation(new World(0, 1));

        alone.beginCall(true, false);
        alone.read(share(Fingerprint.of(7, 0)), 0, 0);

        assertThat(calls).containsExactly(WAIT);
    }

    @Test
    void nothingIsSaidOfDataOfItsOwnOrInLockstep() {
        DataAttestation own = attestation(new World(0, 1));
        own.beginCall(false, false);
        own.read(share(0), 0, 0);
        own.endCall();
        DataAttestation inLockstep = attestation(new World(0, RANKS));
        inLockstep.beginCall(true, false);
        read(inLockstep, 0);
        inLockstep.endCall();

        assertThat(calls).isEmpty();
    }

    private static void read(DataAttestation attestation, long position) {
        attestation.read(share(Fingerprint.of(1, 2)), 0, position);
    }

    private static Share share(long fingerprint) {
        return Share.end(1, fingerprint, 0);
    }

    private DataAttestation attestation(World inStep) {
        return new DataAttestation(session(new World(0, RANKS)), session(inStep));
    }

    private Session session(World world) {
        return (Session) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Session.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "world" -> world;
                    case "attest" -> {
                        calls.add(place((String) arguments[0]));
                        yield null;
                    }
                    case "exchange" -> {
                        calls.add(WAIT);
                        yield List.of();
                    }
                    default -> throw new UnsupportedOperationException(method.toString());
                });
    }

    private static String place(String topic) {
        return topic.replace("the data that they read at ", "").replace(" of fit", "");
    }
}
