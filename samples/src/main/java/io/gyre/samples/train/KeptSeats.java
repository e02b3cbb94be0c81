package io.gyre.samples.train;

import io.gyre.launcher.LaunchResult;
import io.gyre.launcher.SeatEvent;
import io.gyre.live.LivePage;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunWriter;
import io.gyre.runs.SeatedRunKeeper;
import io.gyre.samples.data.SampleData;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the launcher keeps of a run with seats: it creates the run's directory, keeps it, and shows its page. Curves,
 * checkpoints, model and results come from the process that holds rank 0: {@link KeptRun}.
 */
final class KeptSeats implements AutoCloseable {

    /** Before rank 0 has said where each rank is. */
    private static final String NOT_YET = "-";

    private final @Nullable SeatedRunKeeper keeper;
    private final @Nullable LivePage page;

    private KeptSeats(@Nullable SeatedRunKeeper keeper, @Nullable LivePage page) {
        this.keeper = keeper;
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
            return new KeptSeats(null, null);
        }
        List<String> hosts = Collections.nCopies(options.ranks(), NOT_YET);
        RunWriter writer = new RunOpening(
                        options, files, words, set, hosts, options.transport().toString())
                .open(options.checkpoints().resume());
        return writer == null
                ? new KeptSeats(null, null)
                : new KeptSeats(new SeatedRunKeeper(writer), options.live().open(files));
    }

    /** Whether there is a directory. */
    boolean isKept() {
        return keeper != null;
    }

    /** Gets what becomes of the processes. */
    Consumer<SeatEvent> events() {
        return keeper == null ? event -> {} : keeper.events();
    }

    /** All processes have ended. */
    void end(LaunchResult result) {
        if (keeper != null) {
            keeper.end(result);
        }
    }

    @Override
    public void close() throws IOException {
        if (page != null) {
            page.close();
        }
        if (keeper != null) {
            keeper.close();
        }
    }
}
