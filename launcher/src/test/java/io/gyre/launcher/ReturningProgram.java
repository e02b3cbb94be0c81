package io.gyre.launcher;

import io.gyre.GyreException;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Expendable ranks, except the last. Rank 1 kills itself as often as the first argument says, or, if that is "always",
 * whenever it runs. The others wait until it has rejoined as often as the second argument says, and meet it at the end.
 */
final class ReturningProgram {

    private static final int VICTIM = 1;
    private static final byte[] NOTHING = {};

    private ReturningProgram() {}

    public static void main(String[] arguments) {
        int deaths = arguments[0].equals("always") ? Integer.MAX_VALUE : Integer.parseInt(arguments[0]);
        int awaited = Integer.parseInt(arguments[1]);
        try (Session session = AeronSession.join(JoinOptions.fromEnvironment())) {
            int rank = session.world().rank();
            session.exchange("start", NOTHING);
            if (rank < session.world().size() - 1) {
                session.beExpendable();
            }
            if (rank == VICTIM && session.incarnation(rank) < deaths) {
                Runtime.getRuntime().halt(137);
            }
            while (session.incarnation(VICTIM) < awaited) {
                LockSupport.parkNanos(1_000_000);
            }
            List<byte[]> all = session.exchange(
                    "end", String.valueOf(session.incarnation(rank)).getBytes(StandardCharsets.US_ASCII));
            for (byte[] each : all) {
                System.out.println("incarnation " + new String(each, StandardCharsets.US_ASCII));
            }
        } catch (GyreException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }
}
