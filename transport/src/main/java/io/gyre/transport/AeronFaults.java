package io.gyre.transport;

import io.aeron.exceptions.AeronException;
import io.gyre.GyreException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.ErrorHandler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Handles errors inside Aeron, which reports them and continues: the first serious one ends the session. */
final class AeronFaults implements ErrorHandler {

    private static final Logger LOG = LoggerFactory.getLogger(AeronFaults.class);

    /** When a peer is lost, Aeron may complain first; the coordinator's verdict says more. */
    static final Duration GRACE = Duration.ofSeconds(1);

    private final String where;
    private final AtomicReference<@Nullable Fault> first = new AtomicReference<>();

    private record Fault(Throwable cause, long since) {}

    /**
     * Starts without a fault.
     *
     * @param where the source of the errors, for the log and the exception
     */
    AeronFaults(String where) {
        this.where = where;
    }

    @Override
    public void onError(Throwable error) {
        boolean passing = error instanceof IOException
                || (error instanceof AeronException aeron && aeron.category() == AeronException.Category.WARN);
        if (passing) {
            // Such as a datagram that the network refused: it is retransmitted, or the peer is found lost.
            LOG.debug("{}: {}", where, error.toString());
            return;
        }
        LOG.debug("{} has failed", where, error);
        first.compareAndSet(null, new Fault(error, System.nanoTime()));
    }

    /** The fault, if it was serious and long enough ago. */
    @Nullable Throwable settled() {
        Fault fault = first.get();
        return fault != null && System.nanoTime() - fault.since > GRACE.toNanos() ? fault.cause : null;
    }

    /** Fails if there was a serious fault. */
    void check(int observer, Object doing) {
        Throwable cause = settled();
        if (cause != null) {
            throw new GyreException(
                    "rank " + observer + " stopped in " + doing + ": " + where + " has failed: " + cause, cause);
        }
    }
}
