package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Backed;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Participant.State;
import java.util.HashMap;
import java.util.Map;

/**
 * How ranks go, and what follows. One that leaves in good order is no longer waited for. The loss of one ends the run,
 * unless it is expendable and others hold what it held.
 */
final class Departures {

    private final int worldSize;
    private final RunState run;
    private final Participants participants;
    private final Exchanges exchanges;
    private final GroupKeys groupKeys;
    private final Outbox outbox;
    private final RunListener listener;

    Departures(
            int worldSize,
            RunState run,
            Participants participants,
            Exchanges exchanges,
            GroupKeys groupKeys,
            Outbox outbox,
            RunListener listener) {
        this.worldSize = worldSize;
        this.run = run;
        this.participants = participants;
        this.exchanges = exchanges;
        this.groupKeys = groupKeys;
        this.outbox = outbox;
        this.listener = listener;
    }

    /** A rank declares that the run may continue without it. */
    void makeExpendable(Participant participant) {
        participant.expendable = true;
        participants.sendNews(new Expendable(participant.member.rank()));
        listener.expendable(participant.member);
    }

    /** A rank declares that the run may continue without it as long as others hold what it holds. */
    void backed(Participant participant, Backed backed) {
        Map<Integer, Integer> by = new HashMap<>();
        for (int i = 0; i < backed.ranks().size(); i++) {
            int rank = backed.ranks().get(i);
            if (participants.holder(rank) == null) {
                lose(participant, "it is backed by rank " + rank + ", which does not exist");
                return;
            }
            by.put(rank, backed.incarnations().get(i));
        }
        participant.backedBy = Map.copyOf(by);
        if (!participant.expendable) {
            makeExpendable(participant);
        }
    }

    /** A rank leaves in good order. */
    void leave(Participant participant, Leave leave) {
        if (!run.isComplete()) {
            lose(participant, "it left before all ranks had joined");
            return;
        }
        if (leave.sent().size() != worldSize) {
            lose(participant, "it left with " + leave.sent().size() + " counts for " + worldSize + " ranks");
            return;
        }
        participant.state = State.LEFT;
        participant.sent = leave.sent();
        participant.lastCall = leave.lastCall();
        String missed = exchanges.missing(participant);
        participants.sendNews(new Left(participant.member.rank(), leave.sent(), leave.lastCall(), missed));
        listener.left(participant.member);
        exchanges.finishWithoutAbsent();
    }

    /** A rank's connection has ended. */
    void disconnected(Participant participant, String how) {
        if (participant.state == State.RETURNING) {
            // No rank knows of it yet: the seat is as free as before.
            participant.state = State.LOST;
        } else if (!participant.hasEnded()) {
            lose(participant, how);
        }
    }

    /** A rank is lost: the run continues without it, or ends. */
    void lose(Participant participant, String reason) {
        boolean spared = run.isComplete() && participant.expendable && !run.hasEnded();
        if (spared && !participants.isBacked(participant)) {
            giveUp(participant.member, reason + "; nobody else holds what it held");
        } else if (spared) {
            spare(participant, reason);
        } else {
            giveUp(participant.member, reason);
        }
    }

    /** Ends the run, since a rank is lost that may not even have joined. */
    void giveUp(Member member, String reason) {
        if (run.hasEnded()) {
            return;
        }
        run.end("the run has lost " + member + ": " + reason);
        participants.sendToAll(new Lost(member, reason));
        listener.lost(member, reason);
    }

    private void spare(Participant participant, String reason) {
        participant.state = State.LOST;
        participant.offer = null;
        participants.sendNews(new LostExpendable(participant.member, reason));
        outbox.close(participant.connection);
        groupKeys.renew();
        listener.lostExpendable(participant.member, reason);
        exchanges.finishWithoutAbsent();
    }
}
