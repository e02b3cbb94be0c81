package io.gyre.dl4j;

import io.gyre.OptionRange;
import io.gyre.local.LocalCluster;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Entry point of a Deeplearning4j program. The same {@code main} trains alone under {@code java}, and on N ranks under
 * {@code gyre run -n N}:
 *
 * <pre>{@code
 * try (DistributedTrainer trainer = Gyre.trainer(model)) {
 *     trainer.fit(iterator, 3);
 * }
 * }</pre>
 *
 * <p>It has what {@link io.gyre.local.Gyre}, the entry point without Deeplearning4j, has too: a program imports one of
 * them.
 */
public final class Gyre {

    private Gyre() {}

    /**
     * A trainer with default options in the run of this process. On a thread of {@link #local} that is the run of its
     * cluster; otherwise the run that a launcher has started the process for
     * ({@link io.gyre.transport.LaunchEnvironment}), or, without one, a run of this rank alone, which needs no JVM
     * flag. Blocks until all ranks have called it.
     *
     * <p>Closing the trainer leaves the run. Trainers that are open at the same time share it, and are used by one
     * thread; after the last is closed, the process cannot join again.
     *
     * @param model an initialised {@code MultiLayerNetwork} or {@code ComputationGraph}; borrowed
     * @throws IllegalArgumentException if the launcher's variables are incomplete or invalid, with the variable
     * @throws io.gyre.GyreException if the run cannot be joined
     */
    public static DistributedTrainer trainer(Model model) {
        return builder(model).build();
    }

    /** As {@link #trainer}, with options. The run is joined when the trainer is built. */
    public static TrainerBuilder builder(Model model) {
        TrainerBuilder builder = new TrainerBuilder(model, OwnRun::join);
        Path timeline = OwnRun.timeline(System.getenv());
        return timeline == null ? builder : builder.timeline(timeline);
    }

    /** Ranks as threads of this JVM: see {@link io.gyre.local.Gyre#local}. */
    public static LocalCluster local(int ranks) {
        return io.gyre.local.Gyre.local(ranks);
    }

    /**
     * Trains a model on several ranks that are threads of this JVM, for a first try. Rank 0 trains the given model, and
     * the others copies of it without its listeners. One thread reads the iterator ({@link Sharding#FROM_ROOT}), and
     * each rank trains on its rows of every batch: the result is that of {@code model.fit(iterator, epochs)} within
     * rounding error. What the model's layers and losses keep in static fields is shared by the ranks.
     *
     * @param epochs passes over the data, at least 1
     * @param ranks at least 1
     * @throws InterruptedException if the calling thread was interrupted; the ranks have ended
     * @throws io.gyre.GyreException caused by the failure of the rank that failed first
     */
    public static FitReport fit(Model model, DataSetIterator iterator, int epochs, int ranks)
            throws InterruptedException {
        return fit(model, ranks, trainer -> trainer.fit(iterator, epochs));
    }

    /** As {@link #fit(Model, DataSetIterator, int, int)}, for models with several inputs or outputs. */
    public static FitReport fit(Model model, MultiDataSetIterator iterator, int epochs, int ranks)
            throws InterruptedException {
        return fit(model, ranks, trainer -> trainer.fit(iterator, epochs));
    }

    private interface Fit {
        FitReport by(DistributedTrainer trainer);
    }

    private static FitReport fit(Model model, int ranks, Fit fit) throws InterruptedException {
        OptionRange.check("ranks", ranks, 1, Integer.MAX_VALUE);
        List<Model> models = new ArrayList<>(List.of(model));
        while (models.size() < ranks) {
            models.add(copy(model));
        }
        List<FitReport> reports = local(ranks).call(session -> {
            Model own = models.get(session.world().rank());
            try (DistributedTrainer trainer = DistributedTrainer.builder(own, session)
                    .sharding(Sharding.FROM_ROOT)
                    .build()) {
                return fit.by(trainer);
            }
        });
        return reports.get(0);
    }

    private static Model copy(Model model) {
        if (model instanceof MultiLayerNetwork layers) {
            return layers.clone();
        }
        if (model instanceof ComputationGraph graph) {
            return GraphNetwork.copyOf(graph);
        }
        throw new IllegalArgumentException("a model of " + model.getClass().getName()
                + " cannot be copied for several ranks: create one per rank in the program of Gyre.local");
    }
}
