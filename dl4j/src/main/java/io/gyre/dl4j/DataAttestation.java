package io.gyre.dl4j;

import io.gyre.session.Session;
import java.util.List;

/**
 * Compares what ranks read that are not in lockstep. Each attests it before it takes a step: the first rank that reads
 * a place in the data decides what is there, and a rank that reads something else ends the run.
 *
 * <p>Ranks in lockstep compare in the step itself: see {@link DataAgreement}.
 */
final class DataAttestation {

    private static final String REMEDY = DataAgreement.REMEDY.strip();

    private final Session session;
    private final boolean attests;
    private int call;
    private boolean comparable;

    /**
     * Creates the attestation of one rank.
     *
     * @param session all ranks that train
     * @param attests whether this rank reports for itself and those in lockstep with it
     */
    DataAttestation(Session session, boolean attests) {
        this.session = session;
        this.attests = attests;
    }

    /**
     * A call of {@code fit} begins; all ranks make the same calls.
     *
     * @param restarted whether this is a restarted worker, which begins its pass where the others are in theirs
     */
    void beginCall(boolean restarted) {
        call++;
        comparable = attests && !restarted;
    }

    /** This rank has read its share of the data at a place, or found their end there. */
    void read(Share share, int epoch, long position) {
        if (comparable && share.fingerprint() != 0 && !Fingerprint.isOfUnknownValues(share.fingerprint())) {
            session.attest(
                    "the data that they read at place " + position + " of epoch " + epoch + " in call " + call
                            + " of fit",
                    describe(share),
                    REMEDY);
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
