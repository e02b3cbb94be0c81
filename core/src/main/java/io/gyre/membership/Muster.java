package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Participant.State;
import java.time.Duration;
import java.util.List;

/** Gathers the ranks of a run: gives them seats, and begins the run when all are ready, or fails it at the deadline. */
final class Muster {

    private final RunState run;
    private final Duration joinTimeout;
    private final long deadline;
    private final Participants participants;
    private final GroupKeys groupKeys;
    private final Admission admission;
    private final Outbox outbox;
    private final RunListener listener;

    /**
     * Starts to wait for the ranks.
     *
     * @param joinTimeout how long to wait for all of them
     * @param now current time, in nanoseconds from any origin
     */
    Muster(
            RunState run,
            Duration joinTimeout,
            long now,
            Participants participants,
            GroupKeys groupKeys,
            Admission admission,
            Outbox outbox,
            RunListener listener) {
        this.run = run;
        this.joinTimeout = joinTimeout;
        this.deadline = now + joinTimeout.toNanos();
        this.participants = participants;
        this.groupKeys = groupKeys;
        this.admission = admission;
        this.outbox = outbox;
        this.listener = listener;
    }

    /**
     * Gives a seat to a process that was admitted.
     *
     * @param time of the coordinator's clock
     */
    Participant seat(int connection, Join join, long time) {
        Member member = join.member();
        int rank = member.rank() == Message.ANY_RANK ? participants.firstFree() : member.rank();
        Participant newcomer = new Participant(connection, join, Participants.withRank(member, rank), time);
        participants.add(newcomer);
        return newcomer;
    }

    /** A rank with a seat is ready. The last one begins the run. */
    void ready(Participant participant, Ready ready) {
        participant.addresses = ready.addresses();
        participant.state = State.READY;
        if (!run.hasEnded() && participants.isFull() && participants.areAll(each -> each.state == State.READY)) {
            begin();
        }
    }

    private void begin() {
        run.complete();
        groupKeys.renew();
        List<Seat> seats = participants.seats();
        for (Participant participant : participants.all()) {
            outbox.send(participant.connection, new Roster(participant.member.rank(), seats));
        }
        listener.complete(participants.members());
    }

    /** Fails the run if ranks are missing at the deadline. Returns whether they are. */
    boolean expire(long now) {
        if (run.isComplete() || now < deadline) {
            return false;
        }
        String reason = admission.whoIsMissing(joinTimeout);
        run.end(reason);
        participants.sendToAll(new Refused(reason));
        participants.all().forEach(participant -> outbox.close(participant.connection));
        listener.failed(reason);
        return true;
    }
}
