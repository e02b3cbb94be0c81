package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when checkpoints are written, and makes all ranks agree on the outcome. Only rank 0 touches the directory.
 */
final class Checkpoints {

    private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);

    private final Session session;
    private final Options options;
    private final Replica replica;
    private final ReplicaCheck replicas;
    private final long seed;
    private final @Nullable RankParts ofRanks;
    private @Nullable CheckpointStore store;
    private @Nullable CheckpointFile resumed;
    private long savedStep;
    private boolean warned;

    /**
     * The user's options.
     *
     * @param directory null for no checkpoints
     * @param everySteps 0 to write none by steps
     * @param everyEpochs 0 to write none by epochs
     * @param required whether {@code fit} fails if its last checkpoint cannot be written
     */
    record Options(
            @Nullable Path directory, long everySteps, int everyEpochs, int keep, boolean resume, boolean required) {

        /**
         * For a later generation of a run with seats: if all processes with its state were lost, it goes on from its
         * newest checkpoint.
         */
        Options ofRunUnderWay() {
            return new Options(directory, everySteps, everyEpochs, keep, true, required);
        }

        /** What must be the same on all ranks. The directory is not: only rank 0 uses it. */
        String toCompare() {
            return directory == null
                    ? "none"
                    : "every " + everySteps + " steps, every " + everyEpochs + " epochs" + (resume ? ", resumed" : "");
        }
    }

    /**
     * Creates the checkpoints of one rank.
     *
     * @param ofRanks what is not equal on all ranks; null if there is no such thing
     */
    Checkpoints(
            Session session,
            Options options,
            Replica replica,
            ReplicaCheck replicas,
            long seed,
            @Nullable RankParts ofRanks) {
        this.session = session;
        this.ofRanks = ofRanks;
        this.options = options;
        this.replica = replica;
        this.replicas = replicas;
        this.seed = seed;
    }

    /**
     * Prepares the directory on rank 0 and, if asked to resume, loads the newest checkpoint, if any, into its replica.
     *
     * @return where the run continues; null if a new one starts
     */
    @Nullable Beginning openOnRoot() {
        Path directory = options.directory();
        if (directory == null) {
            return null;
        }
        store = open(directory);
        if (session.incarnation(session.world().rank()) > 0) {
            // The others know where the run began.
            return null;
        }
        if (!options.resume()) {
            store.checkEmpty();
        }
        store.tryOut();
        if (!options.resume()) {
            return null;
        }
        try {
            CheckpointFile file = store.openNewest();
            if (file == null) {
                LOG.info("no checkpoint in {}: the run starts from the beginning", directory);
                return null;
            }
            resumed = file;
            return load(file);
        } catch (IOException e) {
            throw new GyreException("the checkpoint in " + directory + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Gives each rank what the checkpoint that was resumed has of it alone. */
    void restoreRanks(long step) {
        if (ofRanks != null) {
            ofRanks.restore(resumed, step);
        }
    }

    /** Prepares the directory on rank 0 of a later generation: this process may not have been rank 0 before. */
    void continueOnRoot() {
        Path directory = options.directory();
        if (directory == null || store != null) {
            return;
        }
        try {
            store = open(directory);
        } catch (GyreException e) {
            if (options.required()) {
                throw e;
            }
            warn(String.valueOf(e.getMessage()));
        }
    }

    private CheckpointStore open(Path directory) {
        return session.hasSeats()
                ? CheckpointStore.ofSeats(directory, options.keep())
                : new CheckpointStore(directory, options.keep());
    }

    /** The file from which the run continues, on rank 0 until {@link #loaded}; null for none. */
    @Nullable CheckpointFile resumed() {
        return resumed;
    }

    /** All is taken from the file. */
    void loaded() {
        CheckpointFile file = resumed;
        resumed = null;
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                throw new GyreException("the checkpoint cannot be closed: " + AtomicFile.reason(e), e);
            }
        }
    }

    boolean areWritten() {
        return options.directory() != null;
    }

    /** Whether {@code fit} fails if its last checkpoint cannot be written. */
    boolean areRequired() {
        return options.required();
    }

    /** Steps from one checkpoint to the next; 0 if none is written by steps. */
    long everySteps() {
        return options.everySteps();
    }

    /** Whether one is due after a batch. */
    boolean isDue(Progress progress, long stepsBefore) {
        long every = options.everySteps();
        return every > 0 && progress.step() / every != stepsBefore / every;
    }

    /** Whether one is due after an epoch. */
    boolean isDueAfterEpoch(Progress progress) {
        return options.everyEpochs() > 0 && progress.epoch() % options.everyEpochs() == 0;
    }

    /**
     * Writes a checkpoint of ranks that are not in lockstep; on rank 0.
     *
     * @param more what is not in this rank's replica
     * @throws GyreException if it cannot be written
     */
    void write(Progress progress, List<Checkpoint.Part> more) {
        if (store == null) {
            throw new IllegalStateException("the checkpoint directory is not open");
        }
        List<Region> state = replica.state();
        store.save(new Checkpoint(
                progress,
                seed,
                replica.layout(),
                replica.network().configurationJson(),
                state,
                Checksums.ofState(state),
                more));
    }

    private Beginning load(CheckpointFile file) throws IOException {
        require("model", file.layout(), replica.layout());
        require("seed", String.valueOf(file.seed()), String.valueOf(seed));
        file.readState(replica.state());
        Progress progress = file.progress();
        LOG.info("resumed from step {}, epoch {}", progress.step(), progress.epoch());
        return new Beginning(progress, file.stateChecksum());
    }

    static void require(String what, String inFile, String inProgram) {
        if (!inFile.equals(inProgram)) {
            throw new GyreException("the checkpoint is of another " + what + ": it has '" + inFile
                    + "', and this program has '" + inProgram + "'");
        }
    }

    /**
     * Saves if it is due.
     *
     * @param progress after the last step of a batch
     * @param stepsBefore number of steps before its first
     */
    void afterBatch(Progress progress, long stepsBefore) {
        if (isDue(progress, stepsBefore)) {
            saveOrReport(progress);
        }
    }

    void afterEpoch(Progress progress) {
        if (isDueAfterEpoch(progress)) {
            saveOrReport(progress);
        }
    }

    /** After a batch that belongs to no epoch: warns once if checkpoints are due at the end of epochs only. */
    void afterSingleBatch() {
        if (options.directory() != null
                && options.everySteps() == 0
                && !warned
                && session.world().isRoot()) {
            warned = true;
            LOG.warn("fit of a single batch ends no epoch, and no checkpoint is written: set checkpointEverySteps");
        }
    }

    /**
     * Saves the state after the last step of a call of {@code fit}, unless it is already on disk. Ranks that take local
     * steps have not synchronised for the end yet: a run that goes on from here does so as one that has not stopped.
     *
     * @return what failed, the same text on all ranks, if a failure is to fail the call; empty otherwise
     */
    String endCall(Progress progress) {
        if (options.directory() == null || progress.step() == savedStep) {
            return "";
        }
        if (options.required()) {
            return save(progress);
        }
        saveOrReport(progress);
        return "";
    }

    static GyreException inModelOnly(String failure, Progress progress) {
        return new GyreException(failure + ". The training is done up to step " + progress.step()
                + ", and is in the model alone: export it to another place, or make room and call fit again");
    }

    static void warn(String failure) {
        LOG.warn("{}. Training continues, and the next checkpoint is tried when it is due", failure);
    }

    /** A failure to write does not end the training: the next checkpoint makes up for it. */
    private void saveOrReport(Progress progress) {
        String failure = save(progress);
        if (!failure.isEmpty() && session.world().isRoot()) {
            warn(failure);
        }
    }

    /**
     * Writes a checkpoint.
     *
     * @return what failed, the same text on all ranks; empty if nothing did
     */
    private String save(Progress progress) {
        if (options.directory() == null) {
            return "";
        }
        String agreed = replicas.agree(progress.step());
        Gathering gathering = ofRanks == null ? null : ofRanks.gather(progress.step());
        if (gathering != null && !session.world().isRoot()) {
            gathering.finish();
        }
        String failure = OnRoot.call(session, "checkpoint of step " + progress.step(), () -> {
            String configuration = replica.network().configurationJson();
            try {
                if (store == null) {
                    return "there is no checkpoint of step " + progress.step() + ", since " + options.directory()
                            + " could not be opened";
                }
                store.save(new Checkpoint(
                        progress,
                        seed,
                        replica.layout(),
                        configuration,
                        replica.state(),
                        agreed,
                        gathering == null ? List.of() : gathering.parts()));
                return "";
            } catch (GyreException e) {
                return String.valueOf(e.getMessage());
            } finally {
                if (gathering != null) {
                    gathering.finish();
                }
            }
        });
        if (failure.isEmpty()) {
            savedStep = progress.step();
        }
        return failure;
    }
}
