package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.Session;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Finds out early when something has changed the model on some ranks only. */
final class ReplicaCheck {

    private ReplicaCheck() {}

    /**
     * Compares checksums of parameters and updater state; called by all together.
     *
     * @param session those whose replicas are to be equal
     */
    static void run(Session session, Replica replica, long step) {
        String own = Long.toHexString(Checksums.crc32c(replica.state()));
        List<byte[]> sums = session.exchange("checksums after step " + step, own.getBytes(StandardCharsets.UTF_8));
        for (int rank = 0; rank < sums.size(); rank++) {
            if (sums.get(rank).length == 0) {
                throw new PeerLostException(
                        session.members().get(session.world().rank()).rank(),
                        session.members().get(rank),
                        "it trained in step with this rank",
                        "checking the replicas after step " + step);
            }
            if (!Arrays.equals(sums.get(0), sums.get(rank))) {
                List<Member> members = session.members();
                throw new GyreException("after step " + step + " the model of " + members.get(rank)
                        + " differs from that of " + members.get(0)
                        + ". Whatever changes parameters, learning rates or the updater must do so on all ranks alike:"
                        + " look for a listener that acts on some ranks only.");
            }
        }
    }
}
