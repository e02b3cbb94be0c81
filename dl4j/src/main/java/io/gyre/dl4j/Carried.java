package io.gyre.dl4j;

import io.gyre.session.Generation;
import io.gyre.session.Reached;
import io.gyre.session.SeatedRun;
import org.jspecify.annotations.Nullable;

/**
 * What a process brings into a generation of a run with seats, besides its model.
 *
 * @param handover where it is in its training; null if it is new
 * @param calls those completed so far
 * @param kept models that a program gets back later
 * @param lossScale of the generation before; null if there is none
 * @param copy from which a new process goes on; null if there is none, or this process is not new
 */
record Carried(
        SeatedRun run,
        Generation generation,
        @Nullable Handover handover,
        JointCalls calls,
        KeptModels kept,
        @Nullable LossScale lossScale,
        LastCopy.@Nullable Found copy) {

    /** What others are given. */
    String text() {
        if (copy != null) {
            return copy.text();
        }
        if (handover == null) {
            throw new IllegalStateException("this process is new, and has no state to give to others");
        }
        return handover.text() + calls.text() + kept.text();
    }

    /** By which the gradients were summed so far. */
    String algorithm() {
        return handover == null ? "" : handover.algorithm().toString();
    }

    /** Reads {@link #text}: where the process with the newest state is. */
    Handover newest(String text) {
        calls.replaceBy(JointCalls.parse(text));
        return Handover.parse(text, handover);
    }

    /** How far a process has come. */
    static Reached reached(@Nullable Handover handover, JointCalls calls) {
        return handover == null
                ? Reached.NOTHING
                : new Reached(calls.made(), handover.progress().step());
    }
}
