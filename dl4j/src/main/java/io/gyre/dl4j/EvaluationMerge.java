package io.gyre.dl4j;

import java.lang.reflect.Field;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Triple;
import org.nd4j.evaluation.BaseEvaluation;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.evaluation.classification.EvaluationBinary;
import org.nd4j.evaluation.classification.EvaluationCalibration;
import org.nd4j.evaluation.classification.ROC;
import org.nd4j.evaluation.classification.ROCBinary;
import org.nd4j.evaluation.classification.ROCMultiClass;
import org.nd4j.evaluation.regression.RegressionEvaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Merges partial evaluations, and works around the faults of Deeplearning4j's own evaluations in doing so.
 *
 * <dl>
 *   <dt>{@link RegressionEvaluation}
 *   <dd>Its {@code merge} omits the sum of the labels, on which R2 depends. And ND4J's {@code ASum} along a dimension
 *       of length 1 returns its input with its sign ({@code noOp} of a reduction), so a batch of one row adds its
 *       errors, not their absolute values, to the sum of absolute errors.
 *   <dt>{@link EvaluationCalibration}
 *   <dd>Its {@code merge} merges only the reliability diagram. All its arrays are counts and sums over examples.
 *   <dt>{@link ROC}
 *   <dd>Its JSON contains curves that cannot be read back. A merge, if necessary with an empty ROC, computes them
 *   again.
 *   <dt>{@link Evaluation}
 *   <dd>Its {@code newInstance} shares the list of labels, which evaluation fills.
 * </dl>
 */
final class EvaluationMerge {

    private EvaluationMerge() {}

    /** Returns an evaluation with the settings of another and no data; fails for one that cannot be merged. */
    static IEvaluation<?> empty(IEvaluation<?> kind) {
        String reason = NotDivisible.reason(kind.getClass());
        if (reason != null) {
            throw new IllegalArgumentException(reason);
        }
        if (isExact(kind)) {
            throw new IllegalArgumentException("an exact " + kind.getClass().getSimpleName()
                    + " cannot be merged, as it needs all predictions in one place: give it a number of thresholds,"
                    + " such as 200");
        }
        IEvaluation<?> empty = kind.newInstance();
        if (empty.getClass() != kind.getClass()) {
            throw new IllegalArgumentException(
                    "newInstance() of " + kind.getClass().getName() + " makes a "
                            + empty.getClass().getName()
                            + ", so the ranks have nothing of one class to merge: use that class, or let"
                            + " newInstance() make one of its own");
        }
        if (empty instanceof Evaluation classification && classification.getLabelsList() != null) {
            classification.setLabelsList(new ArrayList<>(classification.getLabelsList()));
        }
        return empty;
    }

    private static boolean isExact(@Nullable IEvaluation<?> kind) {
        return (kind instanceof ROC roc && roc.isExact())
                || (kind instanceof ROCBinary binary && binary.getThresholdSteps() == 0)
                || (kind instanceof ROCMultiClass classes && classes.getThresholdSteps() == 0)
                || (kind instanceof EvaluationBinary outputs && isExact(outputs.getROCBinary()));
    }

    /** Evaluates a batch. */
    static void evaluate(IEvaluation<?> evaluation, INDArray labels, INDArray predictions, @Nullable INDArray mask) {
        if (evaluation instanceof RegressionEvaluation regression) {
            evaluate(regression, labels, predictions, mask);
        } else {
            evaluation.eval(labels, predictions, mask);
        }
    }

    private static void evaluate(
            RegressionEvaluation regression, INDArray labels, INDArray predictions, @Nullable INDArray mask) {
        Triple<INDArray, INDArray, INDArray> rows =
                BaseEvaluation.reshapeAndExtractNotMasked(labels, predictions, mask, regression.getAxis());
        if (rows == null) {
            return;
        }
        INDArray before = regression.getSumAbsErrorsPerColumn();
        INDArray sum = before == null ? null : before.dup();
        regression.eval(labels, predictions, mask);
        if (rows.getFirst().size(0) == 1) {
            INDArray error = absoluteError(rows);
            INDArray wrong = regression.getSumAbsErrorsPerColumn();
            INDArray right = error.castTo(wrong.dataType()).reshape(wrong.shape());
            regression.setSumAbsErrorsPerColumn(sum == null ? right : right.addi(sum));
        }
    }

    private static INDArray absoluteError(Triple<INDArray, INDArray, INDArray> rows) {
        INDArray predictions = rows.getSecond();
        INDArray error = Transforms.abs(predictions.sub(rows.getFirst().castTo(predictions.dataType())), false);
        INDArray mask = rows.getThird();
        return mask != null && mask.equalShapes(error) ? error.muli(mask.castTo(error.dataType())) : error;
    }

    /** Reads what another rank has written. */
    static <T extends IEvaluation<T>> T read(String json, Class<T> kind) {
        T evaluation = BaseEvaluation.fromJson(json, kind);
        if (evaluation instanceof ROC roc) {
            roc.merge(roc.newInstance());
        }
        return evaluation;
    }

    /** Adds another part to an evaluation of the same kind. */
    static <T extends IEvaluation<T>> void add(T sum, T part) {
        if (sum instanceof EvaluationCalibration calibration) {
            addArrays(calibration, (EvaluationCalibration) part);
        } else {
            sum.merge(part);
        }
        if (sum instanceof RegressionEvaluation regression && regression.getLabelsSumPerColumn() != null) {
            regression.setSumLabels(regression.getLabelsSumPerColumn().dup());
        }
    }

    private static void addArrays(EvaluationCalibration sum, EvaluationCalibration part) {
        try {
            for (Field field : EvaluationCalibration.class.getDeclaredFields()) {
                if (field.getType() == INDArray.class) {
                    field.setAccessible(true);
                    INDArray before = (INDArray) field.get(sum);
                    INDArray more = (INDArray) field.get(part);
                    field.set(sum, before == null ? more : more == null ? before : before.add(more));
                }
            }
        } catch (IllegalAccessException e) {
            throw new UnsupportedOperationException("cannot read or write " + EvaluationCalibration.class, e);
        }
    }
}
