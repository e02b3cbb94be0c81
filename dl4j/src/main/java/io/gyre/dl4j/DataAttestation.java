package io.gyre.dl4j;

import io.gyre.session.Session;
import java.util.List;

/**
 * Compares what ranks read that are not in lockstep. Each attests it before it takes a step: the first rank that reads
 * a place in the data decides what is there, and a rank that reads something else ends the run.
 *
 * <p>In each call of {@code fit} all ranks wait for one another once, when they have read for their first step, as
 * ranks in lockstep do in every step: data that differ from the beginning are found before any update. Afterwards only
 * one rank of those that are in lockstep with each other attests, and none waits.
 *
 * <p>If all ranks are in lockstep, this does nothing: they compare in the step itself, see {@link DataAgreement}.
 */
final class DataAttestation {

    /** What ranks wait for once in a call. */
    static final String FIRST = "the first data of a call of fit";

    private static final String REMEDY = DataAgreement.REMEDY.strip();
    private static final byte[] NOTHING = {};

    private final Session session;
    private final boolean isNeeded;
    private final boolean isFirstInStep;
    private int call;
    private boolean comparable;
    private boolean awaitsOthers;

    /**
     * Creates the attestation of one rank.
     *
     * @param session all ranks that train
     * @param inStep those of them that are in lockstep with this one
     */
    DataAttestation(Session session, Session inStep) {
        this.session = session;
        isNeeded = inStep.world().size() < session.world().size();
        isFirstInStep = inStep.world().isRoot();
    }

    /**
     * A call of {@code fit} begins; all ranks make the same calls.
     *
     * @param compared whether all ranks read the same data
     * @param restarted whether this is a restarted worker, which begins its pass where the others are in theirs
     */
    void beginCall(boolean compared, boolean restarted) {
        call++;
        awaitsOthers = isNeeded && compared;
        comparable = awaitsOthers && !restarted;
    }

    /** This rank has read its share of the data at a place, or found their end there. */
    void read(Share share, int epoch, long position) {
        if (comparable && (awaitsOthers || isFirstInStep) && !Fingerprint.isOfUnknownValues(share.fingerprint())) {
            session.attest(
                    "the data that they read at place " + position + " of epoch " + epoch + " in call " + call
                            + " of fit",
                    describe(share),
                    REMEDY);
        }
        awaitOthers();
    }

    /** This rank reads no more in this call. A restarted worker may have read nothing: the others count on it. */
    void endCall() {
        awaitOthers();
    }

    /** Ends on each rank after all have attested what they read first, or fails on each. */
    private void awaitOthers() {
        if (awaitsOthers) {
            awaitsOthers = false;
            session.exchange(FIRST, NOTHING);
        }
    }

    /** The last item is enough for people: the fingerprint is of all. */
    private static String describe(Share share) {
        String all = "fingerprint " + Long.toHexString(share.fingerprint()) + " of all so far";
        List<Read> reads = share.reads();
        if (share.ended() || reads.isEmpty()) {
            return "the end, with " + all;
        }
        Read last = reads.get(reads.size() - 1);
        return last.name() + " of " + last.content() + ", with " + all;
    }
}
