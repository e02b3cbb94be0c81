package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Join;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Decides who may join a run with seats: at any time, a process with the same version, seats and options. */
final class SeatAdmission {

    private final int seats;
    private final Member host;
    private final Attendees attendees;
    private final List<String> refusals = new ArrayList<>();

    /** One of the present generation, whose options hold for those that come when nobody is left; null before it. */
    private @Nullable Attendee former;

    SeatAdmission(int seats, Member host, Attendees attendees) {
        this.seats = seats;
        this.host = host;
        this.attendees = attendees;
    }

    /** A generation begins. */
    void convened(List<Attendee> seated) {
        former = seated.get(0);
    }

    /**
     * Why a process cannot join; null if it can.
     *
     * @param over why the run takes nobody in any more; null if it does
     */
    @Nullable String objection(Join join, @Nullable String over) {
        String objection = find(join, over);
        if (objection != null) {
            refusals.add(objection);
        }
        return objection;
    }

    private @Nullable String find(Join join, @Nullable String over) {
        String who = "the process with pid " + join.member().pid() + " on host "
                + join.member().host();
        if (join.protocolVersion() != Message.PROTOCOL_VERSION) {
            return who + Admission.otherVersion(join, host);
        }
        if (over != null) {
            return who + " is too late: " + over + ". Start a new run";
        }
        if (join.worldSize() != seats) {
            return who + " expects " + join.worldSize() + " seats, and this run has " + seats;
        }
        Attendee first = attendees.isEmpty() ? former : attendees.first();
        if (first == null) {
            return null;
        }
        String difference = Admission.difference(join, first.join, first.toString());
        return difference == null ? null : who + difference + ". All processes need the same options";
    }

    /** Why processes could not join, so far. */
    List<String> refusals() {
        return refusals;
    }
}
