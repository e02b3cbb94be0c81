package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.session.Reached;
import io.gyre.session.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The state of a run with seats while one process alone has it: a checkpoint in shared memory, which is written after
 * each batch and outlives that process. A new process that finds one goes on from there, as if it had the state.
 *
 * <p>Files are checkpoints: complete or not there, with checksums. The copy is removed once several processes have taken
 * a batch together, since all of them have the state then.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains.
 *   <dt>Failure
 *   <dd>A copy that cannot be written is a warning, and the last attempt: the run goes on without.
 *   <dt>Cost
 *   <dd>A copy of the state in memory for each batch, in a process that holds all seats of a run for several.
 * </dl>
 */
final class LastCopy {

    private static final Logger LOG = LoggerFactory.getLogger(LastCopy.class);
    private static final String PLACE = "place in the program";

    /** The new copy, the one before it, and room for others. */
    private static final int ROOM_FOR = 3;

    private final Carried carried;
    private final Replica replica;
    private final long seed;
    private final Path directory;
    private final String layout;

    /** Whether no other process has the state. */
    private final boolean alone;

    private @Nullable CheckpointStore store;
    private boolean done;

    private LastCopy(Carried carried, Path directory, Replica replica, long seed, boolean alone) {
        this.carried = carried;
        this.directory = directory;
        this.replica = replica;
        this.seed = seed;
        this.alone = alone;
        layout = replica.layout();
    }

    /**
     * What a process does in a generation about copies: the only one keeps them; of several, that of rank 0 removes what
     * there is.
     *
     * @return null for nothing
     */
    static @Nullable LastCopy ofGeneration(Carried carried, Replica replica, long seed) {
        Session session = carried.generation().session();
        boolean alone = session.seating().members().size() == 1;
        return alone || session.world().isRoot()
                ? carried.run()
                        .stateDirectory()
                        .map(directory -> new LastCopy(carried, directory, replica, seed, alone))
                        .orElse(null)
                : null;
    }

    /** A generation begins at this place in the program. */
    void begin(Handover place) {
        if (alone) {
            keep(place);
        }
    }

    /** Whether there is something to do after the next batch. */
    boolean isDue() {
        return !done;
    }

    /** A batch is done, also by all others: they have the state. */
    void afterBatch(Handover place) {
        if (alone) {
            keep(place);
        } else {
            done = true;
            remove(directory);
        }
    }

    private void keep(Handover place) {
        if (done) {
            return;
        }
        if (!carried.kept().isEmpty()) {
            // Models that a program keeps are not in a copy.
            stop("the program keeps models of its own");
            return;
        }
        try {
            List<Region> state = replica.state();
            if (store == null) {
                checkRoom(state.stream().mapToLong(Region::byteLength).sum());
                store = CheckpointStore.ofSeats(directory, 1);
            }
            String text = place.text() + carried.calls().text();
            store.save(new Checkpoint(
                    place.progress(),
                    seed,
                    layout,
                    "",
                    state,
                    Checksums.ofState(state),
                    List.of(Checkpoint.Part.text(PLACE, () -> text))));
        } catch (GyreException | IOException e) {
            stop(String.valueOf(e.getMessage()));
        }
    }

    private void checkRoom(long bytes) throws IOException {
        long room = Files.getFileStore(directory).getUsableSpace();
        if (room / ROOM_FOR < bytes) {
            throw new IOException(directory + " has room for " + room + " bytes, and " + ROOM_FOR + " times " + bytes
                    + " are needed");
        }
    }

    private void stop(String reason) {
        done = true;
        remove(directory);
        LOG.warn(
                "This process alone has the state of the run, and keeps no copy of it in shared memory: {}. If it is"
                        + " lost, the run goes on from its newest checkpoint",
                reason);
    }

    private static void remove(Path directory) {
        try {
            new CheckpointStore(directory, 1).clear();
        } catch (GyreException e) {
            LOG.warn("{}", e.getMessage());
        }
    }

    /**
     * The copy that the last process with the state has left.
     *
     * @param directory see {@link io.gyre.session.SeatedRun#stateDirectory}
     * @return null if there is none; closed by the user
     */
    static @Nullable Found find(Path directory) {
        try {
            CheckpointFile file = new CheckpointStore(directory, 1).openNewest();
            return file == null ? null : found(file);
        } catch (GyreException | IOException e) {
            // The process that writes them may just have removed one. Then it has the state.
            LOG.info("No copy of the run's state was read: {}", e.getMessage());
            return null;
        }
    }

    private static Found found(CheckpointFile file) throws IOException {
        try {
            return new Found(file, file.textOf(PLACE));
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** A copy, open. */
    static final class Found implements AutoCloseable {

        private final CheckpointFile file;
        private final String text;
        private final Handover place;
        private final Reached reached;

        private Found(CheckpointFile file, String text) {
            this.file = file;
            this.text = text;
            place = Handover.parse(text, null);
            reached = new Reached(
                    JointCalls.parse(text).completed(), place.progress().step());
        }

        /** What others are given: where its process was. */
        String text() {
            return text;
        }

        Handover place() {
            return place;
        }

        /** How far its process had come. */
        Reached reached() {
            return reached;
        }

        /** Fills a replica. */
        void load(Replica replica, long seed) {
            try {
                Checkpoints.require("model", file.layout(), replica.layout());
                Checkpoints.require("seed", String.valueOf(file.seed()), String.valueOf(seed));
                file.readState(replica.state());
            } catch (IOException e) {
                throw new GyreException("the copy of the run's state cannot be read: " + e.getMessage(), e);
            }
            LOG.info(
                    "Goes on from the copy of the last process that had the state, after step {}",
                    place.progress().step());
        }

        @Override
        public void close() {
            try {
                file.close();
            } catch (IOException e) {
                throw new GyreException("the copy of the run's state cannot be closed: " + e.getMessage(), e);
            }
        }
    }
}
