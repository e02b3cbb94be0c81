package io.gyre.spark;

import io.gyre.GyreException;
import io.gyre.allreduce.Collectives;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.LocalStrategy;
import io.gyre.dl4j.ShardedData;
import io.gyre.dl4j.Sharding;
import io.gyre.dl4j.Strategies;
import io.gyre.dl4j.TrainerBuilder;
import io.gyre.network.Collective;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.StrategyOptions.Kind;
import io.gyre.session.Session;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.broadcast.Broadcast;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * What a rank does to train: writes its partition to disk, trains for the epochs, and on rank 0 returns the model.
 *
 * @param <T> element of the data
 */
final class TrainingBody<T> implements RankTask.Body<T> {

    private static final long serialVersionUID = 1;

    private final Broadcast<ModelBytes> model;
    private final SparkOptions options;
    private final ToBatches<T> toBatches;
    private final int epochs;
    private final boolean resume;
    private final ProgressAccumulator progress;

    TrainingBody(
            Broadcast<ModelBytes> model,
            SparkOptions options,
            ToBatches<T> toBatches,
            int epochs,
            boolean resume,
            ProgressAccumulator progress) {
        this.model = model;
        this.options = options;
        this.toBatches = toBatches;
        this.epochs = epochs;
        this.resume = resume;
        this.progress = progress;
    }

    @Override
    public Serializable run(Session session, int attempt, Iterator<T> data) throws IOException {
        int rank = session.world().rank();
        try (ScratchDirectory scratch = new ScratchDirectory(rank)) {
            Iterator<MultiDataSet> partition = toBatches.apply(data, rank);
            try (SpooledBatches batches = SpooledBatches.write(partition, options.batchSize(), scratch.path())) {
                return train(session, attempt > 0, batches, scratch.path());
            }
        }
    }

    private byte[] train(Session session, boolean repeated, SpooledBatches batches, Path directory) throws IOException {
        Model replica = model.value().model();
        StrategyOptions strategy = options.strategy().get();
        if (strategy.kind() == Kind.ALLREDUCE) {
            return train(replica, DistributedTrainer.builder(replica, session), repeated, batches, directory, session);
        }
        if (strategy.hasLocalSteps()) {
            try (LocalStrategy local = LocalStrategy.open(strategy, session, Collectives::choose)) {
                return train(
                        replica,
                        DistributedTrainer.builder(replica, session).strategy(local.strategy()),
                        repeated,
                        batches,
                        directory,
                        session);
            }
        }
        try (ParameterService service = strategy.configure(
                        ParameterService.builder(session), consistency -> Strategies.training(replica, consistency))
                .start()) {
            if (service.isServer()) {
                service.serve();
                return new byte[0];
            }
            try (Collective group = strategy.kind() == Kind.HYBRID
                    ? Collectives.choose(service.group().endpoint())
                    : null) {
                return train(
                        replica,
                        DistributedTrainer.builder(replica, service.workers())
                                .strategy(Strategies.create(strategy, replica, service, group)),
                        repeated,
                        batches,
                        directory,
                        service.workers());
            }
        }
    }

    private byte[] train(
            Model replica,
            TrainerBuilder builder,
            boolean repeated,
            SpooledBatches batches,
            Path directory,
            Session workers)
            throws IOException {
        boolean isRoot = workers.world().isRoot();
        builder.seed(options.seed()).progressListener((step, epoch, summary) -> {
            if (isRoot) {
                progress.add(new StepProgress(step, epoch, summary.meanScore()));
            }
        });
        HadoopCheckpoints checkpoints = options.checkpoints();
        Path local = Files.createDirectory(directory.resolve("checkpoints"));
        if (checkpoints != null) {
            boolean continues = resume || repeated;
            if (isRoot && continues) {
                checkpoints.fetch(local);
            }
            builder.checkpointDirectory(local)
                    .checkpointEveryEpochs(options.checkpointEveryEpochs())
                    .resume(continues);
        }
        try (DistributedTrainer trainer = builder.build()) {
            ShardedData data = ShardedData.of(batches, Sharding.OWN);
            int begun = trainer.epoch();
            for (int epoch = 0; epoch < epochs; epoch++) {
                trainer.fit(data, 1);
                store(checkpoints, local, isRoot && trainer.epoch() > begun);
            }
            return isRoot ? ModelBytes.of(replica).zip() : new byte[0];
        }
    }

    private static void store(@Nullable HadoopCheckpoints checkpoints, Path local, boolean writes) {
        if (checkpoints != null && writes) {
            checkpoints.store(local);
        }
    }

    /** The trained model among the results of all ranks. */
    static byte[] trained(List<Serializable> results) {
        for (Serializable result : results) {
            if (result instanceof byte[] zip && zip.length > 0) {
                return zip;
            }
        }
        throw new GyreException("no rank has returned the trained model");
    }
}
