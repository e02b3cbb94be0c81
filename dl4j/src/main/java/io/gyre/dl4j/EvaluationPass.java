package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A pass for an evaluation, in which ranks do not step together: what they read is compared at its end. */
final class EvaluationPass implements Iterator<Share> {

    private static final Logger LOG = LoggerFactory.getLogger(EvaluationPass.class);

    private final Iterator<Share> shares;
    private long fingerprint;

    EvaluationPass(Iterator<Share> shares) {
        this.shares = shares;
    }

    @Override
    public boolean hasNext() {
        return shares.hasNext();
    }

    @Override
    public Share next() {
        Share share = shares.next();
        fingerprint = share.fingerprint();
        return share;
    }

    /** Fails on all ranks alike unless all have read the same. */
    void checkAgreement(Session session) {
        byte[] own = ByteBuffer.allocate(Long.BYTES).putLong(fingerprint).array();
        List<byte[]> all = session.exchange("data of the evaluation", own);
        long first = 0;
        Member firstMember = null;
        List<Member> unknown = new ArrayList<>();
        for (int rank = 0; rank < all.size(); rank++) {
            if (all.get(rank).length != Long.BYTES) {
                continue;
            }
            long ofRank = ByteBuffer.wrap(all.get(rank)).getLong();
            Member member = session.members().get(rank);
            if (Fingerprint.isOfUnknownValues(ofRank)) {
                unknown.add(member);
            }
            if (firstMember == null) {
                first = ofRank;
                firstMember = member;
            } else if (!Fingerprint.agree(first, ofRank)) {
                throw new GyreException("the ranks have not read the same data for an evaluation: " + firstMember
                        + " has the fingerprint " + Long.toHexString(first) + ", and " + member + " "
                        + Long.toHexString(ofRank) + "." + DataAgreement.REMEDY);
            }
        }
        if (!unknown.isEmpty() && session.world().isRoot()) {
            LOG.warn(DataAgreement.unknown(unknown));
        }
    }
}
