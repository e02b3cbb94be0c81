package io.gyre.membership;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;

/** Why a rank's run cannot go on: what each of its calls fails with from then on. */
@FunctionalInterface
interface Ending {

    /**
     * The failure of one call.
     *
     * @param observer rank that makes the call
     * @param doing the call, in words
     */
    GyreException asException(int observer, String doing);

    /** A rank was lost. */
    static Ending lost(Member member, String reason) {
        return (observer, doing) -> new PeerLostException(observer, member, reason, doing);
    }

    /** The others have given this rank up, and go on. */
    static Ending givenUp(String reason) {
        return (observer, doing) -> new GyreException(
                "rank " + observer + " stopped in " + doing + ": the others go on without it (" + reason + ")");
    }

    /** The run has not come about, or without this rank. */
    static Ending refused(String reason) {
        return (observer, doing) -> new GyreException(reason);
    }

    /** The ranks do not exchange the same thing. */
    static Ending disagreed(String reason) {
        return (observer, doing) -> new DisagreementException(reason);
    }

    /** The launcher, which hosts the coordinator, is gone. */
    static Ending launcherGone(Member launcher, String how) {
        return (observer, doing) -> new GyreException("rank " + observer + " stopped in " + doing
                + ": the launcher (host " + launcher.host() + ", pid " + launcher.pid()
                + "), which watches over the run, is gone: " + how);
    }

    /** Whoever answers at the rendezvous has not spoken as a coordinator does. */
    static Ending noCoordinator(String address, String how) {
        return (observer, doing) -> new GyreException("whoever listens at " + address
                + " is no rendezvous of Gyre, or has ended: " + how + ". Is the port in use by another program?");
    }
}
