package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What a rank contributes at the end of a {@code fit} whose ranks did not step together: they synchronise there.
 *
 * @param examples that it, or its group, trained on
 * @param epoch its epoch in the data
 * @param position in the epoch
 * @param fingerprint of what it read in its last pass; 0 if each rank has its own data, or for a restarted worker
 */
record EndOfFit(long examples, int epoch, long position, long fingerprint) {

    private static final int BYTES = 3 * Long.BYTES + Integer.BYTES;

    /**
     * Returns the number of examples of all ranks. Fails on all ranks alike if two at the same place read different
     * data.
     */
    static long exchange(Session session, EndOfFit own) {
        byte[] bytes = ByteBuffer.allocate(BYTES)
                .putLong(own.examples)
                .putInt(own.epoch)
                .putLong(own.position)
                .putLong(own.fingerprint)
                .array();
        long examples = 0;
        EndOfFit first = null;
        Member firstMember = null;
        List<byte[]> all = session.exchange("number of examples", bytes);
        for (int rank = 0; rank < all.size(); rank++) {
            // A rank that has left or was lost contributes nothing.
            if (all.get(rank).length != BYTES) {
                continue;
            }
            EndOfFit ofRank = read(ByteBuffer.wrap(all.get(rank)));
            examples += ofRank.examples;
            if (ofRank.fingerprint == 0) {
                continue;
            }
            Member member = session.members().get(rank);
            if (first == null || firstMember == null) {
                first = ofRank;
                firstMember = member;
            } else if (first.isWhere(ofRank) && !Fingerprint.agree(first.fingerprint, ofRank.fingerprint)) {
                throw new GyreException("the ranks have not read the same data: the last pass of " + firstMember
                        + " has the fingerprint " + Long.toHexString(first.fingerprint) + ", and that of " + member
                        + " " + Long.toHexString(ofRank.fingerprint) + ". The model is already trained on them."
                        + DataAgreement.REMEDY);
            }
        }
        return examples;
    }

    private static EndOfFit read(ByteBuffer bytes) {
        return new EndOfFit(bytes.getLong(), bytes.getInt(), bytes.getLong(), bytes.getLong());
    }

    private boolean isWhere(EndOfFit other) {
        return epoch == other.epoch && position == other.position;
    }
}
