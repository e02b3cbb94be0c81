package io.gyre.dl4j;

import io.gyre.Member;
import io.gyre.Session;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Finds NaN and infinity in gradients, and whose they are. For errors: it takes its time. */
final class NotFinite {

    private static final long BLOCK = 1 << 16;
    private static final String NONE = "-";

    private NotFinite() {}

    /** The first such element of a replica's gradients, for people; empty if there is none. */
    static String first(Replica replica) {
        INDArray gradients = replica.gradientVector();
        for (long from = 0; from < gradients.length(); from += BLOCK) {
            long to = Math.min(gradients.length(), from + BLOCK);
            INDArray block = gradients.get(NDArrayIndex.interval(from, to));
            for (long i = 0; i < to - from; i++) {
                double value = block.getDouble(i);
                if (!Double.isFinite(value)) {
                    return value + " at " + replica.nameOf(from + i);
                }
            }
        }
        return "";
    }

    /**
     * Whose gradients made a sum NaN or infinite; all ranks call it together.
     *
     * @param own what {@link #first} has found in this rank's own gradients
     */
    static String ofAllRanks(Session session, String own, long step) {
        byte[] value = (own.isEmpty() ? NONE : own).getBytes(StandardCharsets.UTF_8);
        List<byte[]> all = session.exchange("gradients of step " + step + " that are not finite", value);
        ReplicaDifference.checkPresent(session, all, step);
        List<Member> members = session.members();
        List<String> found = new ArrayList<>();
        for (int rank = 0; rank < all.size(); rank++) {
            String ofRank = new String(all.get(rank), StandardCharsets.UTF_8);
            if (!ofRank.equals(NONE)) {
                found.add(ofRank + " on " + members.get(rank));
            }
        }
        return found.isEmpty()
                ? "computed again, each rank's own gradients are finite: their sum is too large for the data type, or"
                        + " memory has changed in the meantime"
                : "the first are " + String.join(", ", found);
    }
}
