package io.gyre.dl4j;

import io.gyre.observe.Timeline;
import io.gyre.session.Session;
import java.util.List;
import java.util.function.Supplier;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;

/** What trains a model in one session: for all of a trainer's life, or for a generation of a run with seats. */
final class Engine implements AutoCloseable {

    final Session session;
    final TrainedModel network;
    final Replica replica;
    final FitLoop loop;
    final MergedEvaluation evaluation;
    final @Nullable LossScale lossScale;
    final @Nullable Timeline timeline;

    /** Null if the model is a graph of SameDiff. */
    private final @Nullable HeldModel held;

    private final Opened opened = new Opened();

    /**
     * Puts the parts together. All ranks call it together.
     *
     * @param session borrowed
     * @param carried what this process brings; null in a run whose processes do not change
     */
    Engine(TrainerBuilder options, Session session, @Nullable Carried carried, StopRequests requests) {
        this.session = session;
        try {
            TrainerParts parts = new TrainerParts(options, session, carried, opened);
            network = parts.network;
            replica = parts.replica;
            lossScale = parts.lossScale;
            timeline = parts.timeline;
            loop = new FitLoop(parts, requests);
            evaluation = new MergedEvaluation(network, session, parts.watch, parts.rowsFromRoot);
            if (network instanceof Network ofLayers) {
                ofLayers.ownListeners();
                HeldModel hold = new HeldModel(ofLayers, RankTexts.ownName(session));
                opened.onClose(hold::release);
                hold.hold();
                held = hold;
            } else {
                held = null;
            }
        } catch (RuntimeException | Error e) {
            closeAfter(e);
            throw e;
        }
    }

    private void closeAfter(Throwable failure) {
        try {
            opened.close();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    /** Calls {@code fit}: in between nobody else may train the model. */
    FitReport train(Supplier<FitReport> call) {
        if (held == null) {
            return call.get();
        }
        held.release();
        try {
            return call.get();
        } finally {
            held.hold();
        }
    }

    /** Adds listeners on rank 0, unless the model has them. */
    void addOnRoot(List<TrainingListener> listeners) {
        if (session.world().isRoot() && network instanceof Network ofLayers) {
            listeners.stream()
                    .filter(listener -> !ofLayers.listeners().contains(listener))
                    .forEach(ofLayers.model()::addListeners);
        }
    }

    /** Moves the gradients back to the model's own memory. A second call does nothing. */
    @Override
    public void close() {
        opened.close();
    }
}
