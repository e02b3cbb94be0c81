package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.List;

/** A pass for an evaluation, in which ranks take no steps together: what they have read is compared at its end. */
final class EvaluationPass implements Iterator<Share> {

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
        for (int rank = 0; rank < all.size(); rank++) {
            if (all.get(rank).length != Long.BYTES) {
                continue;
            }
            long ofRank = ByteBuffer.wrap(all.get(rank)).getLong();
            Member member = session.members().get(rank);
            if (firstMember == null) {
                first = ofRank;
                firstMember = member;
            } else if (!Fingerprint.agree(first, ofRank)) {
                throw new GyreException("the ranks have not read the same data for an evaluation: " + firstMember
                        + " has the fingerprint " + Long.toHexString(first) + ", and " + member + " "
                        + Long.toHexString(ofRank) + "." + DataAgreement.REMEDY);
            }
        }
    }
}
