package io.gyre.spark;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ShardedData;
import io.gyre.dl4j.Sharding;
import io.gyre.session.Session;
import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import org.apache.spark.broadcast.Broadcast;
import org.nd4j.evaluation.IEvaluation;

/**
 * What a rank does to evaluate: its partition is its share.
 *
 * @param <T> element of the data
 * @param <E> kind of evaluation
 */
final class EvaluationBody<T, E extends IEvaluation<E>> implements RankTask.Body<T> {

    private static final long serialVersionUID = 1;

    private final Broadcast<ModelBytes> model;
    private final int batch;
    private final ToBatches<T> toBatches;
    private final E kind;

    EvaluationBody(Broadcast<ModelBytes> model, int batch, ToBatches<T> toBatches, E kind) {
        this.model = model;
        this.batch = batch;
        this.toBatches = toBatches;
        this.kind = kind;
    }

    @Override
    public Serializable run(Session session, int attempt, Iterator<T> data) throws IOException {
        int rank = session.world().rank();
        try (ScratchDirectory scratch = new ScratchDirectory(rank);
                SpooledBatches batches = SpooledBatches.write(toBatches.apply(data, rank), batch, scratch.path());
                DistributedTrainer trainer = DistributedTrainer.of(model.value().model(), session)) {
            return trainer.evaluate(ShardedData.of(batches, Sharding.OWN), kind);
        }
    }
}
