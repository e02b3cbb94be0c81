package io.gyre.dl4j;

import java.util.List;
import java.util.stream.Stream;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.evaluation.classification.EvaluationBinary;
import org.nd4j.evaluation.classification.EvaluationCalibration;
import org.nd4j.evaluation.classification.ROC;
import org.nd4j.evaluation.classification.ROCBinary;
import org.nd4j.evaluation.classification.ROCMultiClass;
import org.nd4j.evaluation.custom.CustomEvaluation;
import org.nd4j.evaluation.regression.RegressionEvaluation;

/** An evaluation of each class that Deeplearning4j ships. */
final class KnownEvaluations {

    private static final int THRESHOLDS = 20;

    private KnownEvaluations() {}

    /** Of several classes or numbers. */
    static Stream<IEvaluation<?>> ofSeveralColumns() {
        return Stream.of(
                new Evaluation(),
                new Evaluation(List.of("a", "b", "c", "d", "e"), 2),
                new EvaluationBinary(),
                new EvaluationBinary(TestModels.CLASSES, THRESHOLDS),
                new EvaluationCalibration(),
                new EvaluationCalibration(5, 8, false),
                new ROCBinary(THRESHOLDS),
                new ROCMultiClass(THRESHOLDS),
                new RegressionEvaluation());
    }

    /** Of one column. */
    static Stream<IEvaluation<?>> ofOneColumn() {
        return Stream.of(
                new Evaluation(0.3),
                new EvaluationBinary(),
                new ROC(THRESHOLDS),
                new ROCBinary(THRESHOLDS),
                new RegressionEvaluation());
    }

    @SuppressWarnings("deprecation") // Deprecated, but still in use.
    static Stream<IEvaluation<?>> refused() {
        return Stream.of(
                new ROC(0),
                new ROCBinary(0),
                new ROCMultiClass(0),
                new EvaluationBinary(TestModels.CLASSES, 0),
                new CustomEvaluation<>((labels, predictions, mask, meta) -> 0.0, CustomEvaluation.mergeConcatenate()),
                new org.deeplearning4j.eval.Evaluation(),
                new org.deeplearning4j.eval.EvaluationBinary(),
                new org.deeplearning4j.eval.EvaluationCalibration(),
                new org.deeplearning4j.eval.ROC(THRESHOLDS),
                new org.deeplearning4j.eval.ROCBinary(THRESHOLDS),
                new org.deeplearning4j.eval.ROCMultiClass(THRESHOLDS),
                new org.deeplearning4j.eval.RegressionEvaluation());
    }
}
