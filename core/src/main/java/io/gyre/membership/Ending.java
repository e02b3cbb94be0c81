package io.gyre.membership;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;

/** Why a rank's run cannot continue; all later calls fail with it. */
@FunctionalInterface
interface Ending {

    /**
     * The exception for one call.
     *
     * @param observer rank that makes the call
     * @param doing description of the call
     */
    GyreException asException(int observer, String doing);

    /** A rank was lost. */
    static Ending lost(Member member, String reason) {
        return (observer, doing) -> new PeerLostException(observer, member, reason, doing);
    }

    /** The others have declared this rank lost, and continue without it. */
    static Ending givenUp(String reason) {
        return (observer, doing) -> new GyreException(
                "rank " + observer + " stopped in " + doing + ": the others continue without it (" + reason + ")");
    }

    /** The run was not started, or not with this rank. */
    static Ending refused(String reason) {
        return (observer, doing) -> new GyreException(reason);
    }

    /** The ranks do not exchange the same thing. */
    static Ending disagreed(String reason) {
        return (observer, doing) -> new DisagreementException(reason);
    }

    /** The launcher, which hosts the coordinator, was lost. */
    static Ending launcherLost(Member launcher, String how) {
        return (observer, doing) -> new GyreException("rank " + observer + " stopped in " + doing
                + ": the launcher (host " + launcher.host() + ", pid " + launcher.pid()
                + "), which supervises the run, was lost: " + how);
    }

    /** What answers at the rendezvous does not speak the coordinator's protocol. */
    static Ending noCoordinator(String address, String how) {
        return (observer, doing) -> new GyreException("the process that listens at " + address
                + " is no rendezvous of Gyre, or has ended: " + how + ". Is the port in use by another program?");
    }
}
