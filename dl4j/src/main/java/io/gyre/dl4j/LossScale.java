package io.gyre.dl4j;

import io.gyre.OptionRange;
import io.gyre.kernel.ScaledCodec;
import io.gyre.memory.Region;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Dynamic loss scale: the power of two by which gradients are multiplied before they are rounded to 16 bits, so that
 * small ones do not become zero. Gradients are linear in the loss: since they are computed in FLOAT, it is the same to
 * scale them as to scale the loss.
 *
 * <dl>
 *   <dt>Rule
 *   <dd>Begins at 65,536. A step whose sums overflow halves it, and its update is skipped. It is doubled after a number
 *       of steps without an overflow, up to 2^24. At 1 an overflow is an error, as it is without a scale.
 *   <dt>Agreement
 *   <dd>All ranks hold the same sums, so all find the same. The scale and the number of steps since its last change are
 *       a part of the replica: compared among ranks, and saved in checkpoints.
 *   <dt>Threading
 *   <dd>The thread that trains, between two reductions.
 * </dl>
 *
 * <p>Micikevicius et al., <i>Mixed Precision Training</i>, ICLR 2018, section 3.2, with the constants of
 * NVIDIA's guide to it.
 */
final class LossScale {

    /** Steps without an overflow after which it is doubled. */
    static final int STEPS_TO_RAISE = 2000;

    private static final Logger LOG = LoggerFactory.getLogger(LossScale.class);
    private static final double FIRST = 1 << 16;
    private static final double LARGEST = 1 << 24;
    private static final long SCALE = 0;
    private static final long GOOD_STEPS = Double.BYTES;

    private final List<ScaledCodec> codecs;
    private final int stepsToRaise;
    private final Region state = Region.allocate("loss scale", 2L * Double.BYTES);

    LossScale(List<ScaledCodec> codecs, int stepsToRaise) {
        OptionRange.check("steps to raise the loss scale", stepsToRaise, 1, Integer.MAX_VALUE);
        this.codecs = List.copyOf(codecs);
        this.stepsToRaise = stepsToRaise;
        state.putDouble(SCALE, FIRST);
    }

    /** Takes over the state of another that is not used any more. */
    void continueFrom(LossScale earlier) {
        state.copyFrom(0, earlier.state, 0, state.byteLength());
    }

    double value() {
        return state.getDouble(SCALE);
    }

    /** The state, as a part of the replica. */
    ReplicaPart part() {
        return new ReplicaPart(
                state.name(),
                state,
                DataType.DOUBLE,
                element -> element == 0 ? "the scale" : "steps since its last change");
    }

    /** Gives the codecs of all seats the scale, which may come from a checkpoint. */
    void use() {
        for (int seat = 0; seat < codecs.size(); seat++) {
            codecs.get(seat).scale((float) value());
        }
    }

    /** Whether an overflow can be due to the scale. */
    boolean canFall() {
        return value() > 1;
    }

    /**
     * Follows a step that had examples.
     *
     * @param overflow whether its sums were not finite
     * @param logs whether this rank logs for all
     */
    void stepDone(boolean overflow, long step, boolean logs) {
        double scale = value();
        if (overflow) {
            set(scale / 2);
            if (logs) {
                LOG.info(
                        "step {}: the sums of the gradients overflow in {} with a loss scale of {}: all ranks skip the"
                                + " update, and the scale is now {}",
                        step,
                        codecs.get(0).name(),
                        (long) scale,
                        (long) value());
            }
            return;
        }
        double good = state.getDouble(GOOD_STEPS) + 1;
        if (good < stepsToRaise || scale >= LARGEST) {
            state.putDouble(GOOD_STEPS, Math.min(good, stepsToRaise));
        } else {
            set(scale * 2);
        }
    }

    private void set(double scale) {
        state.putDouble(SCALE, scale);
        state.putDouble(GOOD_STEPS, 0);
    }
}
