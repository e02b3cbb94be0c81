package io.gyre.membership;

import io.gyre.GyreException;
import io.gyre.Member;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reports the events by the log. */
final class MembershipLog implements MemberListener {

    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);

    @Override
    public void missed(Member self, String call) {
        LOG.warn("{} leaves the run, and has not made a call for which others wait: {}", self, call);
    }

    @Override
    public void lostExpendable(Member member, String reason) {
        LOG.warn("the run has lost {} ({}) and continues without it", member, reason);
    }

    @Override
    public void returned(Member member) {
        LOG.info("{} was restarted, in place of a process that was lost", member);
    }

    @Override
    public void unaware(int rank, GyreException ending) {
        LOG.warn(
                "{} The program of rank {} does not know yet: it has made no call of Gyre for {} ms.",
                ending.getMessage(),
                rank,
                CoordinatorClient.TO_LEARN.toMillis());
    }
}
