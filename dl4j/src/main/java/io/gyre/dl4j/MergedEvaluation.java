package io.gyre.dl4j;

import io.gyre.Session;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.evaluation.BaseEvaluation;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Evaluates a model on every rank's share of the data, and gives all ranks the result over all of them. */
final class MergedEvaluation {

    private final Network network;
    private final Session session;

    MergedEvaluation(Network network, Session session) {
        this.network = network;
        this.session = session;
    }

    /** Fills the evaluations of each output; what they held before is dropped. */
    void run(Iterator<Share> pass, Map<Integer, IEvaluation<?>[]> evaluations) {
        evaluations.values().forEach(ofOutput -> List.of(ofOutput).forEach(IEvaluation::reset));
        while (pass.hasNext()) {
            MultiDataSet rows = pass.next().rows();
            if (rows != null) {
                evaluate(rows, evaluations);
            }
        }
        new TreeMap<>(evaluations).forEach((output, ofOutput) -> {
            for (int i = 0; i < ofOutput.length; i++) {
                merge(ofOutput[i], "evaluation " + i + " of output " + output);
            }
        });
    }

    private void evaluate(MultiDataSet rows, Map<Integer, IEvaluation<?>[]> evaluations) {
        INDArray[] outputs = network.output(rows);
        evaluations.forEach((output, ofOutput) -> {
            for (IEvaluation<?> evaluation : ofOutput) {
                evaluation.eval(rows.getLabels(output), outputs[output], rows.getLabelsMaskArray(output));
            }
        });
        network.clearPass();
    }

    /** Merges in the order of the ranks, so that sums of fractions come out the same everywhere. */
    private <T extends IEvaluation<T>> void merge(IEvaluation<?> evaluation, String topic) {
        @SuppressWarnings("unchecked") // An evaluation merges with its own kind.
        T own = (T) evaluation;
        @SuppressWarnings("unchecked") // The class of an object of type T.
        Class<T> kind = (Class<T>) own.getClass();
        List<byte[]> ofRanks = session.exchange(topic, own.toJson().getBytes(StandardCharsets.UTF_8));
        own.reset();
        for (byte[] json : ofRanks) {
            own.merge(BaseEvaluation.fromJson(new String(json, StandardCharsets.UTF_8), kind));
        }
    }
}
