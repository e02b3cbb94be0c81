package io.gyre.membership;

import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Participant.State;

/**
 * Gives the seats of expendable ranks that were lost to new processes, while the run goes on. A new process is in the
 * run as soon as it is ready: it then hears what has happened, and the others hear of it.
 */
final class Returns {

    private final RunState run;
    private final Participants participants;
    private final GroupKeys groupKeys;
    private final Outbox outbox;
    private final RunListener listener;

    Returns(RunState run, Participants participants, GroupKeys groupKeys, Outbox outbox, RunListener listener) {
        this.run = run;
        this.participants = participants;
        this.groupKeys = groupKeys;
        this.outbox = outbox;
        this.listener = listener;
    }

    /**
     * Gives the seat of a lost rank to a process that was admitted.
     *
     * @param time of the coordinator's clock
     */
    Participant succeed(int connection, Join join, long time) {
        Participant lost = participants.seated(join.member().rank());
        Participant successor = new Participant(connection, join, lost, time);
        participants.replace(lost, successor);
        return successor;
    }

    /** The new process is ready: it learns the state of the run, and the others that it is there. */
    void ready(Participant participant, Ready ready) {
        participant.addresses = ready.addresses();
        if (run.hasEnded()) {
            return;
        }
        for (Participant other : participants.all()) {
            tellAbout(other, participant);
        }
        participant.state = State.READY;
        groupKeys.renew();
        outbox.send(participant.connection, new Roster(participant.member.rank(), participants.seats()));
        Returned returned = new Returned(participant.seat());
        for (Participant other : participants.all()) {
            if (other != participant && other.state != State.RETURNING) {
                outbox.send(other.connection, returned);
            }
        }
        listener.returned(participant.member, participant.incarnation);
    }

    private void tellAbout(Participant other, Participant newcomer) {
        int connection = newcomer.connection;
        if (other.expendable) {
            outbox.send(connection, new Expendable(other.member.rank()));
        }
        if (other == newcomer || !other.hasEnded()) {
            return;
        }
        outbox.send(
                connection,
                other.state == State.LEFT
                        ? new Left(other.member.rank(), other.sent, other.lastCall, "")
                        : new LostExpendable(other.member, "it was lost before"));
    }
}
