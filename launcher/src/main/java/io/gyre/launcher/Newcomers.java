package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.NewcomerServer;
import io.gyre.transport.RunSecret;
import io.gyre.transport.UsherServer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Lets processes that this launcher has not started take part in a run with seats. */
final class Newcomers implements AutoCloseable {

    /** How often to look whether they have ended. */
    private static final Duration TO_LOOK = Duration.ofMillis(20);

    private final UsherServer usher;
    private final @Nullable NewcomerServer door;

    private Newcomers(UsherServer usher, @Nullable NewcomerServer door) {
        this.usher = usher;
        this.door = door;
    }

    /**
     * Listens for them, if they can prove who they are.
     *
     * @param token of the run
     * @param watch hears of them, and how they join
     */
    static Newcomers open(
            LaunchSite site,
            LaunchPlan plan,
            SeatPlan seats,
            SeatedCommand command,
            RunSecret token,
            UsherServer usher,
            SeatWatch watch) {
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.remove(GyreVariable.TOKEN_FILE.key());
        RunSecret proof = RunSecret.fromEnvironment(environment).orElse(null);
        boolean trusted = GyreVariable.TRUSTED_NETWORK.flag(environment).orElse(false);
        boolean provable = proof != null || trusted || site.bind().getAddress().isLoopbackAddress();
        if (command.program().isEmpty() || !provable) {
            return new Newcomers(usher, null);
        }
        NewcomerServer door = NewcomerServer.open(
                new InetSocketAddress(site.bind().getAddress(), 0),
                proof,
                trusted,
                seats.seats(),
                command.program(),
                RankStart.ofNewcomers(site.places().get(0), plan, usher.endpoint()),
                token,
                watch::asked);
        watch.open(command.joining().apply(door.endpoint()));
        return new Newcomers(usher, door);
    }

    /**
     * Waits until the run is over: they continue when all of this launcher's have ended, and need the usher.
     *
     * @param stopped whether to wait no longer
     * @return whether the run is over
     */
    boolean await(BooleanSupplier stopped) throws InterruptedException {
        while (usher.hasMembers() && !usher.isOver() && !stopped.getAsBoolean()) {
            Thread.sleep(TO_LOOK.toMillis());
        }
        return usher.isOver();
    }

    @Override
    public void close() {
        if (door != null) {
            door.close();
        }
    }
}
