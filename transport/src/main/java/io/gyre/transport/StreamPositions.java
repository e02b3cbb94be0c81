package io.gyre.transport;

import io.aeron.AeronCounters;
import io.aeron.ExclusivePublication;
import org.agrona.concurrent.status.CountersReader;

/** How far a stream has been sent and read, from the counters of this rank's driver. */
final class StreamPositions {

    private static final int REGISTRATION_AT = 0;
    private static final int SESSION_AT = Long.BYTES;
    private static final int STREAM_AT = SESSION_AT + Integer.BYTES;

    private final AeronNode node;
    private final ExclusivePublication stream;
    private final int sender;

    StreamPositions(AeronNode node, ExclusivePublication stream) {
        this.node = node;
        this.stream = stream;
        this.sender = node.locked(() -> {
            int[] found = {CountersReader.NULL_COUNTER_ID};
            node.client().countersReader().forEach((id, type, key, label) -> {
                if (type == AeronCounters.DRIVER_SENDER_POSITION_TYPE_ID
                        && key.getLong(REGISTRATION_AT) == stream.registrationId()) {
                    found[0] = id;
                }
            });
            return found[0];
        });
    }

    /** Position up to which the stream has been handed to the network. */
    long sent() {
        return node.client().countersReader().getCounterValue(sender);
    }

    /** Whether every reader in shared memory has read everything. */
    boolean isConsumed() {
        if (stream.isClosed() || !stream.isConnected()) {
            return true;
        }
        return node.locked(() -> {
            boolean[] behind = {false};
            CountersReader counters = node.client().countersReader();
            counters.forEach((id, type, key, label) -> {
                if (type == AeronCounters.DRIVER_SUBSCRIBER_POSITION_TYPE_ID
                        && key.getInt(SESSION_AT) == stream.sessionId()
                        && key.getInt(STREAM_AT) == stream.streamId()
                        && counters.getCounterValue(id) < stream.position()) {
                    behind[0] = true;
                }
            });
            return !behind[0];
        });
    }
}
