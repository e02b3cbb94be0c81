package io.gyre.dl4j;

import io.gyre.session.Session;
import io.gyre.session.UserCode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Evaluates a model on every rank's share of the data, and gives all ranks the merged result. */
final class MergedEvaluation {

    private final TrainedModel network;
    private final Session session;
    private final LossWatch watch;
    private final RowsFromRoot rowsFromRoot;

    MergedEvaluation(TrainedModel network, Session session, LossWatch watch, RowsFromRoot rowsFromRoot) {
        this.network = network;
        this.session = session;
        this.watch = watch;
        this.rowsFromRoot = rowsFromRoot;
    }

    /**
     * Evaluates on all ranks that are not lost; they call it together.
     *
     * @param kinds for each output, evaluations of which only the settings are used
     * @return new evaluations of these kinds, equal on all ranks
     */
    Map<Integer, List<IEvaluation<?>>> run(ShardedData data, Map<Integer, List<IEvaluation<?>>> kinds) {
        data.checkSeats(session);
        Claim claim = Claim.of(data.claimed(session.world()), RankTexts.ownName(session), data.mayEnd());
        try {
            Seats present = present();
            return watch.call(() -> {
                EvaluationPass pass = new EvaluationPass(shares(data, present));
                Map<Integer, List<IEvaluation<?>>> merged = run(pass, kinds);
                pass.checkAgreement(session);
                return merged;
            });
        } finally {
            claim.close();
        }
    }

    private Iterator<Share> shares(ShardedData data, Seats present) {
        if (data.isFromRoot() && present.all() < session.world().size()) {
            throw new IllegalStateException("rank 0 cannot read the data for all ranks, as "
                    + (session.world().size() - present.all())
                    + " of them are lost: evaluate with another sharding than " + Sharding.FROM_ROOT);
        }
        if (!data.isReadBy(present.world())) {
            return rowsFromRoot.all(Collections.emptyIterator());
        }
        data.awaitStraggler();
        Iterator<Share> read = data.pass(present, Place.beginning(0));
        return data.isFromRoot() ? rowsFromRoot.all(read) : read;
    }

    /** The ranks that are not lost, renumbered: all see the same ones, and divide the data among them. */
    private Seats present() {
        List<byte[]> values = session.exchange("evaluate", new byte[] {1});
        List<Integer> own = Seats.of(session).ranks();
        List<Integer> renumbered = new ArrayList<>();
        int all = 0;
        for (int rank = 0; rank < values.size(); rank++) {
            if (values.get(rank).length > 0) {
                if (own.contains(rank)) {
                    renumbered.add(all);
                }
                all++;
            }
        }
        return new Seats(renumbered, all);
    }

    private Map<Integer, List<IEvaluation<?>>> run(Iterator<Share> pass, Map<Integer, List<IEvaluation<?>>> kinds) {
        List<PartialEvaluation> ofSeats = session.seats().stream()
                .map(seat -> new PartialEvaluation(network, kinds))
                .toList();
        watch.code().enter("the program's data or the model, in evaluate", UserCode.NO_STEP);
        try {
            while (pass.hasNext()) {
                Share share = pass.next();
                for (int seat = 0; seat < ofSeats.size(); seat++) {
                    MultiDataSet rows = share.rows(seat);
                    if (rows != null) {
                        ofSeats.get(seat).add(rows);
                    }
                }
            }
        } finally {
            watch.code().leave();
        }
        Map<Integer, List<IEvaluation<?>>> merged = new TreeMap<>();
        for (int output : ofSeats.get(0).outputs()) {
            List<IEvaluation<?>> ofOutput = new ArrayList<>();
            for (IEvaluation<?> evaluation : ofSeats.get(0).of(output)) {
                int index = ofOutput.size();
                String topic = "evaluation " + index + " of output " + output;
                List<String> own =
                        ofSeats.stream().map(seat -> seat.json(output, index)).toList();
                ofOutput.add(merge(evaluation, own, topic));
            }
            merged.put(output, ofOutput);
        }
        return merged;
    }

    /** Merges in rank order, so that floating-point sums are equal on all ranks. */
    private <T extends IEvaluation<T>> T merge(IEvaluation<?> evaluation, List<String> ofSeats, String topic) {
        @SuppressWarnings("unchecked") // An evaluation merges with its own type.
        T merged = (T) evaluation;
        @SuppressWarnings("unchecked") // The class of an object of type T.
        Class<T> kind = (Class<T>) evaluation.getClass();
        List<byte[]> own = ofSeats.stream()
                .map(json -> json.getBytes(StandardCharsets.UTF_8))
                .toList();
        boolean first = true;
        for (byte[] bytes : session.exchange(topic, own)) {
            String json = new String(bytes, StandardCharsets.UTF_8);
            if (json.equals(PartialEvaluation.NO_DATA)) {
                continue;
            }
            T ofRank = EvaluationMerge.read(json, kind);
            if (first) {
                merged = ofRank;
                first = false;
            } else {
                EvaluationMerge.add(merged, ofRank);
            }
        }
        return merged;
    }
}
