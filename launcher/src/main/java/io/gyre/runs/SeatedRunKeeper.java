package io.gyre.runs;

import io.gyre.launcher.LaunchResult;
import io.gyre.launcher.SeatEvent;
import java.io.IOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the launcher keeps of a run with seats. Rank 0 moves between processes, and the launcher stays: it holds the lock
 * of the run's directory, and writes the log, what becomes of the processes, and the reason if the run fails. Curves,
 * model and results come from the process that holds rank 0: {@link SeatedRunWriter}.
 *
 * <dl>
 *   <dt>Global state
 *   <dd>As for {@link RunLog}.
 * </dl>
 */
public final class SeatedRunKeeper implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SeatedRunKeeper.class);

    private final RunWriter writer;
    private final @Nullable RunLog log;
    private final @Nullable MembershipFile membership;
    private boolean ended;

    /**
     * Begins with the log.
     *
     * @param writer of the directory; closed with this
     */
    public SeatedRunKeeper(RunWriter writer) {
        this.writer = writer;
        log = RunLog.openIfPossible(writer.files());
        membership = openMembership(writer.files());
    }

    private static @Nullable MembershipFile openMembership(RunFiles files) {
        try {
            return MembershipFile.open(files);
        } catch (IOException e) {
            LOG.warn("the run has no record of its processes: {}", DurableFile.reason(e));
            return null;
        }
    }

    /** Gets what becomes of the processes. */
    public Consumer<SeatEvent> events() {
        return membership == null ? event -> {} : membership;
    }

    /** All processes have ended. */
    public void end(LaunchResult result) {
        ended = true;
        if (result.failure().isPresent()) {
            writer.failUnlessEnded(result.failure().get());
        } else if (result.exitStatus() == 0) {
            writer.failUnlessEnded(RunDirectory.NOT_COMPLETE);
        }
    }

    @Override
    public void close() throws IOException {
        if (!ended) {
            writer.failUnlessEnded("it could not be started: see the log");
        }
        writer.close();
        if (membership != null) {
            membership.close();
        }
        if (log != null) {
            log.close();
        }
    }
}
