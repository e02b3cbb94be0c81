package io.gyre.dl4j;

import io.gyre.ElementType;
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
    private static final int FLOAT_EXPONENT = 0x7f80_0000;
    private static final int FLOAT_EXPONENT_UNIT = 0x0080_0000;
    private static final long DOUBLE_EXPONENT = 0x7ff0_0000_0000_0000L;
    private static final long DOUBLE_EXPONENT_UNIT = 0x0010_0000_0000_0000L;

    private NotFinite() {}

    /** Whether there is such an element; runs at memory bandwidth. */
    static boolean isIn(Region memory, ElementType type) {
        boolean found = false;
        for (long done = 0; done < memory.byteLength(); ) {
            int n = memory.contiguous(done, memory.byteLength() - done);
            ByteBuffer window = memory.window(done);
            int from = memory.windowOffset(done);
            found |= switch (type) {
                case FLOAT32 -> isInFloats(window, from, from + n);
                case FLOAT64 -> isInDoubles(window, from, from + n);
            };
            done += n;
        }
        return found;
    }

    /** As {@link #isIn}, for IEEE 754 binary16. */
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

    /** The exponent of NaN and infinity has all bits set: adding one overflows into the sign. */
    private static boolean isInFloats(ByteBuffer window, int from, int to) {
        int overflows = 0;
        for (int at = from; at < to; at += Float.BYTES) {
            overflows |= (window.getInt(at) & FLOAT_EXPONENT) + FLOAT_EXPONENT_UNIT;
        }
        return overflows < 0;
    }

    private static boolean isInDoubles(ByteBuffer window, int from, int to) {
        long overflows = 0;
        for (int at = from; at < to; at += Double.BYTES) {
            overflows |= (window.getLong(at) & DOUBLE_EXPONENT) + DOUBLE_EXPONENT_UNIT;
        }
        return overflows < 0;
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
