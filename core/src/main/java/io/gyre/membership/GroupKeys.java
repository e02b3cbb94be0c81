package io.gyre.membership;

import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Participant.State;
import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;

/**
 * Makes the group keys of a run and hands them out. Each is new and random: a rank that is given up cannot read or
 * write what is protected by a later one, and a restarted worker can do so only from its admission on.
 */
final class GroupKeys {

    private final RandomGenerator random;
    private final Participants participants;
    private final Outbox outbox;
    private int generation;

    GroupKeys(RandomGenerator random, Participants participants, Outbox outbox) {
        this.random = random;
        this.participants = participants;
        this.outbox = outbox;
    }

    /**
     * Begins a generation: sends a new key to all that are in the run. Those that have left in good order belong to
     * them, because they may still have to repeat what they sent.
     */
    void renew() {
        byte[] secret = new byte[Message.GROUP_KEY_BYTES];
        random.nextBytes(secret);
        generation++;
        GroupKey key = new GroupKey(generation, ByteBuffer.wrap(secret));
        for (Participant participant : participants.all()) {
            if (participant.state == State.READY || participant.state == State.LEFT) {
                outbox.send(participant.connection, key);
            }
        }
    }
}
