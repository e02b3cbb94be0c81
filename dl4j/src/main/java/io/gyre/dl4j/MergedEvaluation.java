package io.gyre.dl4j;

import io.gyre.World;
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
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Evaluates a model on every rank's share of the data, and gives all ranks the merged result. */
final class MergedEvaluation {

    private static final String NO_DATA = "";

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
        Claim claim = Claim.of(data.claimed(session.world()), RankTexts.ownName(session), data.mayEnd());
        try {
            World present = present();
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

    private Iterator<Share> shares(ShardedData data, World present) {
        if (data.isFromRoot() && present.size() < session.world().size()) {
            throw new IllegalStateException("rank 0 cannot read the data for all ranks, as "
                    + (session.world().size() - present.size())
                    + " of them are lost: evaluate with another sharding than " + Sharding.FROM_ROOT);
        }
        if (!data.isReadBy(present)) {
            return rowsFromRoot.all(Collections.emptyIterator());
        }
        data.awaitStraggler();
        Iterator<Share> read = data.pass(present, Place.beginning(0));
        return data.isFromRoot() ? rowsFromRoot.all(read) : read;
    }

    /** The ranks that are not lost, renumbered: all see the same ones, and divide the data among them. */
    private World present() {
        List<byte[]> values = session.exchange("evaluate", new byte[] {1});
        int before = 0;
        int all = 0;
        for (int rank = 0; rank < values.size(); rank++) {
            if (values.get(rank).length > 0) {
                before += rank < session.world().rank() ? 1 : 0;
                all++;
            }
        }
        return new World(before, all);
    }

    private Map<Integer, List<IEvaluation<?>>> run(Iterator<Share> pass, Map<Integer, List<IEvaluation<?>>> kinds) {
        Map<Integer, List<IEvaluation<?>>> own = new TreeMap<>();
        kinds.forEach((output, ofOutput) -> own.put(
                output,
                ofOutput.stream().<IEvaluation<?>>map(EvaluationMerge::empty).toList()));
        boolean anyData = false;
        watch.code().enter("the program's data or the model, in evaluate", UserCode.NO_STEP);
        try {
            while (pass.hasNext()) {
                MultiDataSet rows = pass.next().rows();
                if (rows != null) {
                    evaluate(rows, own);
                    anyData = true;
                }
            }
        } finally {
            watch.code().leave();
        }
        Map<Integer, List<IEvaluation<?>>> merged = new TreeMap<>();
        for (Map.Entry<Integer, List<IEvaluation<?>>> output : own.entrySet()) {
            List<IEvaluation<?>> ofOutput = new ArrayList<>();
            for (IEvaluation<?> evaluation : output.getValue()) {
                String topic = "evaluation " + ofOutput.size() + " of output " + output.getKey();
                ofOutput.add(merge(evaluation, anyData, topic));
            }
            merged.put(output.getKey(), ofOutput);
        }
        return merged;
    }

    private void evaluate(MultiDataSet rows, Map<Integer, List<IEvaluation<?>>> evaluations) {
        for (int output : evaluations.keySet()) {
            if (output >= rows.numLabelsArrays() || rows.getLabels(output) == null) {
                throw new IllegalArgumentException(
                        "output " + output + " cannot be evaluated: a batch of the data has no labels " + output);
            }
        }
        RecurrentState state = network.recurrentState();
        state.clear();
        int length = network.segmentLength();
        for (int segment = 0; segment < Segments.count(rows, length); segment++) {
            MultiDataSet part = Segments.cut(rows, segment, length);
            INDArray[] outputs = network.output(part);
            evaluations.forEach((output, ofOutput) -> evaluate(part, outputs, output, ofOutput));
        }
        state.clear();
        network.clearPass();
    }

    private static void evaluate(MultiDataSet rows, INDArray[] outputs, int output, List<IEvaluation<?>> evaluations) {
        if (output >= outputs.length) {
            throw new IllegalArgumentException(
                    "output " + output + " cannot be evaluated: the model has " + outputs.length + " outputs");
        }
        for (IEvaluation<?> evaluation : evaluations) {
            EvaluationMerge.evaluate(
                    evaluation, rows.getLabels(output), outputs[output], rows.getLabelsMaskArray(output));
        }
    }

    /** Merges in rank order, so that floating-point sums are equal on all ranks. */
    private <T extends IEvaluation<T>> T merge(IEvaluation<?> evaluation, boolean anyData, String topic) {
        @SuppressWarnings("unchecked") // An evaluation merges with its own type.
        T merged = (T) evaluation;
        @SuppressWarnings("unchecked") // The class of an object of type T.
        Class<T> kind = (Class<T>) evaluation.getClass();
        String own = anyData ? evaluation.toJson() : NO_DATA;
        boolean first = true;
        for (byte[] bytes : session.exchange(topic, own.getBytes(StandardCharsets.UTF_8))) {
            String json = new String(bytes, StandardCharsets.UTF_8);
            if (json.equals(NO_DATA)) {
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
