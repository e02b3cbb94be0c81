package io.gyre.dl4j;

import io.gyre.dl4j.SeatedTraining.Recorded;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.evaluation.IEvaluation;

/** Merged evaluations as text: one line of JSON for each, by output. */
final class EvaluationText {

    private EvaluationText() {}

    /**
     * Writes and reads evaluations.
     *
     * @param kinds as given to {@link DistributedTrainer#evaluate(ShardedData, Map)}
     */
    static Recorded<Map<Integer, List<IEvaluation<?>>>> of(Map<Integer, List<IEvaluation<?>>> kinds) {
        return new Recorded<>(EvaluationText::write, text -> read(text, kinds));
    }

    private static String write(Map<Integer, List<IEvaluation<?>>> evaluations) {
        StringBuilder text = new StringBuilder();
        new TreeMap<>(evaluations)
                .forEach((output, ofOutput) -> ofOutput.forEach(evaluation -> text.append(
                                evaluation.toJson().replace('\n', ' ').replace('\r', ' '))
                        .append('\n')));
        return text.toString();
    }

    private static Map<Integer, List<IEvaluation<?>>> read(String text, Map<Integer, List<IEvaluation<?>>> kinds) {
        List<String> lines = text.lines().toList();
        Map<Integer, List<IEvaluation<?>>> evaluations = new TreeMap<>();
        int next = 0;
        for (Map.Entry<Integer, List<IEvaluation<?>>> output : new TreeMap<>(kinds).entrySet()) {
            List<IEvaluation<?>> ofOutput = new ArrayList<>();
            for (IEvaluation<?> kind : output.getValue()) {
                ofOutput.add(read(lines.get(next++), kind));
            }
            evaluations.put(output.getKey(), ofOutput);
        }
        return evaluations;
    }

    @SuppressWarnings("unchecked") // The class of an object of that type.
    private static <T extends IEvaluation<T>> T read(String json, IEvaluation<?> kind) {
        return EvaluationMerge.read(json, (Class<T>) kind.getClass());
    }
}
