package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Admitted;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Welcome;
import java.util.List;
import java.util.function.Consumer;

/**
 * Admits newcomers to a run with seats: processes that nobody of the run has started. One that has proved who it is,
 * and has the run's program, gets what the launcher gives to its own processes; with that it goes to the {@link Usher},
 * for which it is a process as any other.
 *
 * <p>A state machine, as {@link Usher} is.
 */
public final class Reception implements Supervisor {

    /** Name of the option of {@link Join} with the program and its options. */
    public static final String PROGRAM = "program";

    private final Welcome welcome;
    private final String program;
    private final Admitted admitted;
    private final Outbox outbox;
    private final Consumer<String> news;

    /**
     * Starts to answer.
     *
     * @param host member that runs this reception
     * @param seats of the run
     * @param program the run's, as a newcomer's must be
     * @param admitted what a newcomer gets
     * @param news gets a sentence about each newcomer
     */
    public Reception(
            RunId run,
            Member host,
            int seats,
            String program,
            Admitted admitted,
            Outbox outbox,
            Consumer<String> news) {
        welcome = new Welcome(Message.PROTOCOL_VERSION, run, seats, false, host, SilenceLimits.DEFAULT);
        this.program = program;
        this.admitted = admitted;
        this.outbox = outbox;
        this.news = news;
    }

    @Override
    public void connected(int connection) {
        outbox.send(connection, welcome);
    }

    @Override
    public void received(int connection, Message message) {
        if (message instanceof Join join) {
            answer(connection, join);
        }
        outbox.close(connection);
    }

    private void answer(int connection, Join join) {
        String who = "a newcomer (host " + join.member().host() + ", pid "
                + join.member().pid() + ")";
        String own = join.options().getOrDefault(PROGRAM, "");
        if (join.protocolVersion() != Message.PROTOCOL_VERSION) {
            refuse(
                    connection,
                    who + " uses version " + join.protocolVersion() + " of the control protocol, and this run version "
                            + Message.PROTOCOL_VERSION + ": use the same Gyre");
        } else if (!own.equals(program)) {
            refuse(
                    connection,
                    who + " has another program or other options: '" + own + "', and the run has '" + program
                            + "'. Start it with the run's");
        } else {
            outbox.send(connection, admitted);
            news.accept(who + " is admitted");
        }
    }

    private void refuse(int connection, String reason) {
        outbox.send(connection, new Refused(reason));
        news.accept(reason);
    }

    @Override
    public void disconnected(int connection, String how) {}

    @Override
    public void tick(long now) {}

    @Override
    public boolean hasJoined(int connection) {
        return false;
    }

    @Override
    public void refuseLatecomers(List<Integer> connections) {
        Refused refusal = new Refused("the run is over");
        connections.forEach(connection -> outbox.send(connection, refusal));
    }

    @Override
    public boolean isOver() {
        return false;
    }

    @Override
    public List<Member> members() {
        return List.of();
    }
}
