package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Participant.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may join a run. Until the run is complete: any process with the same version, world and options, if its
 * seat is free. Afterwards: only a process that takes the seat of an expendable rank that was lost.
 */
final class Admission {

    /** Most successive processes of a seat: the number distinguishes their streams. */
    static final int MOST_INCARNATIONS = 100;

    private final int worldSize;
    private final Member host;
    private final RunState run;
    private final Participants participants;
    private final ExchangeRecord record;
    private final List<String> refusals = new ArrayList<>();

    Admission(int worldSize, Member host, RunState run, Participants participants, ExchangeRecord record) {
        this.worldSize = worldSize;
        this.host = host;
        this.run = run;
        this.participants = participants;
        this.record = record;
    }

    /** Why a process cannot take part; null if it can. */
    @Nullable String objection(Join join) {
        String objection = find(join);
        if (objection != null) {
            refusals.add(objection);
        }
        return objection;
    }

    private @Nullable String find(Join join) {
        Member newcomer = join.member();
        String who = name(newcomer);
        if (join.protocolVersion() != Message.PROTOCOL_VERSION) {
            return who + otherVersion(join, host);
        }
        String end = run.end();
        if (end != null) {
            return who + " is too late: " + end + ". Start a new run";
        }
        if (join.worldSize() != worldSize) {
            return who + " expects a world of " + join.worldSize() + " ranks, " + firstOrHost() + " expects "
                    + worldSize;
        }
        if (newcomer.rank() < Message.ANY_RANK || newcomer.rank() >= worldSize) {
            return who + " does not exist in a world of " + worldSize + " ranks (0 to " + (worldSize - 1) + ")";
        }
        String objection = run.isComplete() ? objectionToReturn(newcomer, who) : objectionToSeat(newcomer, who);
        return objection == null ? differentOption(join, who) : objection;
    }

    /** How the version of a process differs from the host's. */
    static String otherVersion(Join join, Member host) {
        return " uses version " + join.protocolVersion() + " of the control protocol, the rendezvous on host "
                + host.host() + " version " + Message.PROTOCOL_VERSION + ": use the same Gyre on all hosts";
    }

    /** What is said to all that come when a run has ended. */
    static String afterTheEnd(String end) {
        return "this process is too late: " + end + ". Start a new run";
    }

    private static String name(Member newcomer) {
        return newcomer.rank() == Message.ANY_RANK
                ? "a rank without number (host " + newcomer.host() + ", pid " + newcomer.pid() + ")"
                : newcomer.toString();
    }

    private String firstOrHost() {
        Participant first = participants.first();
        return first == null ? "the rendezvous on host " + host.host() : first.member.toString();
    }

    /** Why a process cannot have a seat in a run that has not begun; null if it can. */
    private @Nullable String objectionToSeat(Member newcomer, String who) {
        Participant holder = participants.holder(newcomer.rank());
        if (holder != null && !holder.hasAnyRank()) {
            return twice(who, holder);
        }
        return participants.isFull() ? tooLate(who) : null;
    }

    /** Why a process cannot have a seat in a run that has begun; null if it can. */
    private @Nullable String objectionToReturn(Member newcomer, String who) {
        if (newcomer.rank() == Message.ANY_RANK) {
            return tooLate(who) + ". The seat of a rank that was lost is given to that rank only";
        }
        Participant holder = participants.seated(newcomer.rank());
        if (!holder.hasEnded() || holder.state == State.RETURNING) {
            return twice(who, holder);
        }
        if (holder.state == State.LEFT) {
            return who + " is too late: " + holder.member + " has left the run in good order. Start a new run";
        }
        for (Participant other : participants.all()) {
            if (other.hasEnded() && !other.expendable) {
                return who + " is too late: " + other.member + " has left, and the run ends. Start a new run";
            }
        }
        if (!newcomer.host().equals(holder.member.host())) {
            return who + " asks for the seat of a rank that was lost on host " + holder.member.host()
                    + ": start it there";
        }
        if (holder.incarnation == MOST_INCARNATIONS) {
            return who + " was lost " + (MOST_INCARNATIONS + 1)
                    + " times, and is not admitted again. Look for what kills it";
        }
        if (record.isTooLong()) {
            return who + " cannot be told what the others have agreed on: that was more than the " + record.limitBytes()
                    + " bytes that are kept. The run continues without it";
        }
        return null;
    }

    private static String twice(String who, Participant holder) {
        return who + " has joined already: host " + holder.member.host() + ", pid " + holder.member.pid()
                + " was first. Every process needs a rank of its own";
    }

    private String tooLate(String who) {
        return who + " is too late: all " + worldSize + " ranks have joined already " + participants.members();
    }

    private @Nullable String differentOption(Join join, String who) {
        Participant first = participants.first();
        String difference = first == null ? null : difference(join, first.join, first.member.toString());
        return difference == null ? null : who + difference + ". All ranks need the same options";
    }

    /** How the options of a process differ from those of the first; null if they are equal. */
    static @Nullable String difference(Join join, Join first, String nameOfFirst) {
        TreeMap<String, String> names = first.sortedOptions();
        names.putAll(join.options());
        for (String name : names.keySet()) {
            String theirs = first.options().get(name);
            String own = join.options().get(name);
            if (own == null || !own.equals(theirs)) {
                return " has " + name + " = " + own + ", " + nameOfFirst + " has " + theirs;
            }
        }
        return null;
    }

    /** Names the ranks that did not join in time. */
    String whoIsMissing(Duration joinTimeout) {
        List<Integer> missing = new ArrayList<>();
        List<Member> unready = new ArrayList<>();
        for (int rank = 0; rank < worldSize; rank++) {
            Participant participant = participants.holder(rank);
            if (participant == null) {
                missing.add(rank);
            } else if (participant.state == State.JOINED) {
                unready.add(participant.member);
            }
        }
        StringBuilder reason = new StringBuilder("the run did not start within ")
                .append(joinTimeout.toMillis())
                .append(" ms.");
        append(reason, "Missing of " + worldSize + " ranks", missing);
        append(reason, "Joined, but not ready", unready);
        append(reason, "Joined", participants.members());
        append(reason, "Refused", refusals);
        return reason.append(
                        " Look at the output of those that are missing, or raise the join timeout if they are slow.")
                .toString();
    }

    private static void append(StringBuilder text, String label, List<?> values) {
        if (!values.isEmpty()) {
            text.append(' ').append(label).append(": ").append(values).append('.');
        }
    }
}
