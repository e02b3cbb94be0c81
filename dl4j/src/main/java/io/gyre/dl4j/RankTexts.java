package io.gyre.dl4j;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.session.Session;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Names of ranks, and an exchange of texts in which every rank reports about its replica after a step. */
final class RankTexts {

    /** Prefix of every text: an empty value means that a rank has left. */
    private static final String MARK = "=";

    private RankTexts() {}

    /** This rank, for logs and errors. */
    static String ownName(Session session) {
        return session.members().get(session.world().rank()).toString();
    }

    /**
     * Sends this rank's text and returns that of every rank, by rank. All ranks call it together.
     *
     * @param what is exchanged, for errors
     * @param step number of steps so far
     */
    static List<String> exchange(Session session, String what, String own, long step) {
        return texts(session, session.exchange(what, bytes(own)), step);
    }

    /**
     * As {@link #exchange(Session, String, String, long)}, with a text of each rank that this process holds.
     *
     * @param ofSeats the texts, in the order of its seats
     */
    static List<String> exchange(Session session, String what, List<String> ofSeats, long step) {
        return texts(
                session,
                session.exchange(what, ofSeats.stream().map(RankTexts::bytes).toList()),
                step);
    }

    private static byte[] bytes(String text) {
        return (MARK + text).getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> texts(Session session, List<byte[]> all, long step) {
        checkPresent(session, all, step);
        return all.stream()
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8).substring(MARK.length()))
                .toList();
    }

    /** Fails if a rank has left, and so sent nothing. */
    static void checkPresent(Session session, List<byte[]> values, long step) {
        List<Member> members = session.members();
        for (int rank = 0; rank < values.size(); rank++) {
            if (values.get(rank).length == 0) {
                throw new PeerLostException(
                        members.get(session.world().rank()).rank(),
                        members.get(rank),
                        "it trained in step with this rank",
                        "comparing the replicas after step " + step);
            }
        }
    }
}
