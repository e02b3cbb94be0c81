package io.gyre.membership;

import io.gyre.membership.Message.Awaited;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Value;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The exchanges of a run: collects the values of all ranks that take part, and then sends all values to all of them.
 *
 * <p>A rank takes part in one exchange at a time. Exchanges of different groups are independent. An expendable rank
 * that has left or is lost is not waited for, and its value is empty. A restarted worker gets the values of the earlier
 * exchanges, as if it had taken part.
 */
final class Exchanges {

    private final int worldSize;
    private final Participants participants;
    private final ExchangeRecord record;
    private final Outbox outbox;

    Exchanges(int worldSize, Participants participants, ExchangeRecord record, Outbox outbox) {
        this.worldSize = worldSize;
        this.participants = participants;
        this.record = record;
        this.outbox = outbox;
    }

    /** Takes a rank's value, in a complete run. Returns the rule that it has violated, or null. */
    @Nullable String offered(Participant participant, Offer offer) {
        List<Integer> ranks = offer.ranks();
        if (participant.offer != null) {
            return outOfTurn(offer);
        }
        if (!ranks.contains(participant.member.rank())
                || ranks.stream().anyMatch(rank -> rank < 0 || rank >= worldSize)) {
            return "it offered a value for '" + offer.topic() + "' among ranks " + ranks;
        }
        ExchangeRecord.Round past = record.round(ranks, participant.held.getOrDefault(ranks, 0));
        if (past != null) {
            return repeat(participant, offer, past);
        }
        participant.offer = offer;
        if (firstAwaited(ranks) == Message.NO_RANK) {
            finish(ranks);
        } else {
            tellAwaited(participant);
        }
        return null;
    }

    /** The violation by a value that is sent when none is expected. */
    static String outOfTurn(Offer offer) {
        return "it offered a value for '" + offer.topic() + "' out of turn";
    }

    /**
     * Gives a restarted worker the values that the others got. Where its seat was empty, it finds its own value.
     * Returns the rule that it has violated, or null.
     */
    private @Nullable String repeat(Participant participant, Offer offer, ExchangeRecord.Round past) {
        if (!past.topic().equals(offer.topic())) {
            return "it was restarted and exchanged '" + offer.topic() + "' where the others had exchanged '"
                    + past.topic() + "'. A restarted rank must run the same program with the same options";
        }
        participant.held.merge(offer.ranks(), 1, Integer::sum);
        past.values().forEach((rank, value) -> {
            boolean ownAndNew = rank == participant.member.rank() && !value.hasRemaining();
            outbox.send(participant.connection, new Value(rank, ownAndNew ? offer.value() : value));
        });
        return null;
    }

    private void finish(List<Integer> ranks) {
        NavigableMap<Integer, Offer> offers = new TreeMap<>();
        List<Participant> waiting = new ArrayList<>();
        for (int rank : ranks) {
            Participant participant = participants.seated(rank);
            Offer offer = participant.offer;
            participant.offer = null;
            if (offer != null) {
                offers.put(rank, offer);
                waiting.add(participant);
            }
        }
        String difference = difference(offers);
        if (difference != null) {
            participants.sendToAll(new Disagreed(difference));
            return;
        }
        String topic = offers.firstEntry().getValue().topic();
        Offer nothing = new Offer(ranks, topic, ByteBuffer.allocate(0));
        Map<Integer, ByteBuffer> values = new TreeMap<>();
        for (int rank : ranks) {
            Value value = new Value(rank, offers.getOrDefault(rank, nothing).value());
            values.put(rank, value.value());
            waiting.forEach(receiver -> outbox.send(receiver.connection, value));
        }
        waiting.forEach(participant -> participant.held.merge(ranks, 1, Integer::sum));
        record.add(ranks, topic, values);
    }

    /** How the offers of an exchange differ; null if they agree. */
    private @Nullable String difference(NavigableMap<Integer, Offer> offers) {
        Map.Entry<Integer, Offer> first = offers.firstEntry();
        String topic = first.getValue().topic();
        for (Map.Entry<Integer, Offer> other : offers.entrySet()) {
            if (!other.getValue().topic().equals(topic)) {
                return "ranks exchange different things: " + participants.seated(first.getKey()).member + " '" + topic
                        + "', " + participants.seated(other.getKey()).member + " '"
                        + other.getValue().topic() + "'. All ranks must run the same program with the same options.";
            }
        }
        return null;
    }

    /** Tells a rank that waits in an exchange which rank it waits for. */
    void tellAwaited(Participant participant) {
        Offer offer = participant.offer;
        if (offer != null) {
            outbox.send(participant.connection, new Awaited(firstAwaited(offer.ranks())));
        }
    }

    private int firstAwaited(List<Integer> ranks) {
        for (int rank : ranks) {
            Participant participant = participants.seated(rank);
            Offer offer = participant.offer;
            boolean isHere = offer != null && offer.ranks().equals(ranks);
            if (!isHere && !participant.isSpared()) {
                return rank;
            }
        }
        return Message.NO_RANK;
    }

    /** Ends the exchanges that waited only for expendable ranks that have left or are lost. */
    void finishWithoutAbsent() {
        for (Participant participant : participants.all()) {
            Offer offer = participant.offer;
            if (offer != null && firstAwaited(offer.ranks()) == Message.NO_RANK) {
                finish(offer.ranks());
            }
        }
    }

    /** The exchange in which another rank waits for the leaver; empty if there is none. */
    String missing(Participant leaver) {
        for (Participant other : participants.all()) {
            Offer offer = other.offer;
            if (offer != null && !leaver.expendable && offer.ranks().contains(leaver.member.rank())) {
                return "'" + offer.topic() + "' of " + other.member;
            }
        }
        return "";
    }
}
