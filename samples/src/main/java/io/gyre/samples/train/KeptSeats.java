package io.gyre.samples.train;

import io.gyre.launcher.LaunchResult;
import io.gyre.launcher.SeatEvent;
import io.gyre.live.LivePage;
import io.gyre.runs.DurableFile;
import io.gyre.runs.MembershipFile;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunLog;
import io.gyre.runs.RunWriter;
import io.gyre.samples.data.SampleData;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the launcher keeps of a run with seats. Rank 0 moves between processes, and the launcher stays: it creates the
 * run's directory, holds its lock, and writes the log, what becomes of the processes, and the reason if the run fails.
 * Curves, checkpoints, model and results come from the process that holds rank 0: {@link KeptRun}.
 */
final class KeptSeats implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(KeptSeats.class);

    /** Before rank 0 has said where each rank is. */
    private static final String NOT_YET = "-";

    private final @Nullable RunWriter writer;
    private final @Nullable RunLog log;
    private final @Nullable MembershipFile membership;
    private final @Nullable LivePage page;
    private boolean ended;

    private KeptSeats(
            @Nullable RunWriter writer,
            @Nullable RunLog log,
            @Nullable MembershipFile membership,
            @Nullable LivePage page) {
        this.writer = writer;
        this.log = log;
        this.membership = membership;
        this.page = page;
    }

    /**
     * Opens the directory, if the run is kept and it can be written.
     *
     * @param words that repeat the run in another directory, after {@code gyre}
     * @throws io.gyre.GyreException if a run cannot be resumed or forked there
     */
    static KeptSeats open(TrainOptions options, RunFiles files, List<String> words, SampleData set) {
        if (!options.runs().isKept()) {
            return new KeptSeats(null, null, null, null);
        }
        List<String> hosts = Collections.nCopies(options.ranks(), NOT_YET);
        RunWriter writer = new RunOpening(
                        options, files, words, set, hosts, options.transport().toString())
                .open(options.checkpoints().resume());
        return writer == null
                ? new KeptSeats(null, null, null, null)
                : new KeptSeats(
                        writer,
                        RunOpening.openLog(files),
                        openMembership(files),
                        options.live().open(files));
    }

    private static @Nullable MembershipFile openMembership(RunFiles files) {
        try {
            return MembershipFile.open(files);
        } catch (IOException e) {
            LOG.warn("the run has no record of its processes: {}", DurableFile.reason(e));
            return null;
        }
    }

    /** Whether there is a directory. */
    boolean isKept() {
        return writer != null;
    }

    /** Gets what becomes of the processes. */
    Consumer<SeatEvent> events() {
        return membership == null ? event -> {} : membership;
    }

    /** All processes have ended. */
    void end(LaunchResult result) {
        ended = true;
        if (writer != null) {
            result.failure().ifPresent(writer::failUnlessEnded);
        }
    }

    @Override
    public void close() throws IOException {
        if (page != null) {
            page.close();
        }
        if (writer != null) {
            if (!ended) {
                writer.failUnlessEnded("it could not be started: see the log");
            }
            writer.close();
        }
        if (membership != null) {
            membership.close();
        }
        if (log != null) {
            log.close();
        }
    }
}
