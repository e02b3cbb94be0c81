package io.gyre.dl4j;

import io.gyre.Member;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Finds NaN and infinity in gradients, and the ranks that produced them. */
final class NotFinite {

    private static final long BLOCK = 1 << 16;
    private static final int HALF_EXPONENT = 0x7c00;
    private static final int HALF_EXPONENT_UNIT = 0x0400;
    private static final int HALF_SIGN = 0x8000;

    private NotFinite() {}

    /**
     * Whether there is such an element among IEEE 754 binary16 numbers: their exponent has all bits set, and adding one
     * overflows into the sign.
     */
    static boolean isInHalves(Region memory) {
        int overflows = 0;
        for (long done = 0; done < memory.byteLength(); ) {
            int n = memory.contiguous(done, memory.byteLength() - done);
            ByteBuffer window = memory.window(done);
            int from = memory.windowOffset(done);
            for (int at = from; at < from + n; at += Short.BYTES) {
                overflows |= (window.getShort(at) & HALF_EXPONENT) + HALF_EXPONENT_UNIT;
            }
            done += n;
        }
        return (overflows & HALF_SIGN) != 0;
    }

    /** Describes the first such element of a replica's gradients; empty if there is none. Slow. */
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
     * Which ranks' gradients made a sum NaN or infinite; all ranks call it together.
     *
     * @param own result of {@link #first} for the gradients of each of this process's ranks
     */
    static String ofAllRanks(Session session, List<String> own, long step) {
        List<String> all = RankTexts.exchange(session, "gradients of step " + step + " that are not finite", own, step);
        List<Member> members = session.members();
        List<String> found = new ArrayList<>();
        for (int rank = 0; rank < all.size(); rank++) {
            if (!all.get(rank).isEmpty()) {
                found.add(all.get(rank) + " on " + members.get(rank));
            }
        }
        return found.isEmpty()
                ? "computed again, each rank's own gradients are finite: their sum is too large for the data type, or"
                        + " memory has changed in the meantime"
                : "the first are " + String.join(", ", found);
    }
}
