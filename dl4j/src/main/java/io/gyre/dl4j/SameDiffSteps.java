package io.gyre.dl4j;

import io.gyre.training.GradientProgress;
import io.gyre.training.StepSummary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.Listener;
import org.nd4j.autodiff.listeners.Loss;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.Regularization.ApplyStep;

/** The step of a SameDiff graph, as {@code SameDiff.fit} computes it, with the update after the whole pass. */
final class SameDiffSteps implements ModelSteps {

    private final SameDiffModel model;
    private final SameDiff graph;
    private final GradientPlace place;
    private final SameDiffEvents events;
    private final GradientSession session;
    private final boolean sumsScore;
    private final Map<String, Double> regularisation = new LinkedHashMap<>();

    /** Sums over the passes of this step; each loss is weighted by its examples unless there is only one pass. */
    private double[] losses = {};

    private long passExamples;
    private int passes;
    private MultiDataSet lastBatch = new org.nd4j.linalg.dataset.MultiDataSet();

    SameDiffSteps(SameDiffModel model, GradientPlace place) {
        this.model = model;
        this.place = place;
        graph = model.model();
        events = model.events();
        session = new GradientSession(model.variables(), graph.getLossVariables());
        sumsScore = model.losses().kind() == SameDiffLosses.Kind.SUM;
    }

    @Override
    public void keepUpdater() {
        // SameDiff keeps it.
    }

    @Override
    public double backward(@Nullable MultiDataSet batch, @Nullable GradientProgress progress, GradientViews gradients) {
        synchronized (graph) {
            if (passes == 0) {
                regularise();
            }
            int examples = batch == null ? 0 : model.examplesIn(batch);
            if (batch == null || examples == 0) {
                gradients.clear();
                return 0;
            }
            if (passes == 0) {
                events.beginStep(batch);
            }
            if (progress != null) {
                place.beginPass();
            }
            List<Listener> listeners = events.listeners();
            Set<String> needed = SameDiffEvents.variablesFor(listeners, graph);
            double[] own = session.run(
                    model.inputs().of(batch), batch, model.gradientParts(), needed, listeners, events.now(), progress);
            keep(own, examples, batch);
            double loss = Arrays.stream(own).sum();
            return sumsScore ? loss / examples : loss + regularisationSum();
        }
    }

    private void regularise() {
        TrainingConfig config = graph.getTrainingConfig();
        regularisation.clear();
        for (Regularization each : regularizations()) {
            double score = 0;
            for (INDArray parameter : model.parameterParts()) {
                score += each.score(parameter, config.getIterationCount(), config.getEpochCount());
            }
            regularisation.merge(each.getClass().getSimpleName(), score, Double::sum);
        }
    }

    private List<Regularization> regularizations() {
        List<Regularization> configured = graph.getTrainingConfig().getRegularization();
        return configured == null ? List.of() : configured;
    }

    private double regularisationSum() {
        double sum = 0;
        for (double each : regularisation.values()) {
            sum += each;
        }
        return sum;
    }

    private void keep(double[] own, int examples, MultiDataSet batch) {
        double weight = sumsScore ? 1 : examples;
        if (passes == 0) {
            losses = own;
        } else {
            double before = passes == 1 && !sumsScore ? passExamples : 1;
            for (int i = 0; i < own.length; i++) {
                losses[i] = losses[i] * before + own[i] * weight;
            }
        }
        passes++;
        passExamples += examples;
        lastBatch = batch;
    }

    /** SameDiff has no clipping. */
    @Override
    public void clip(GradientViews gradients) {}

    @Override
    public void update(GradientViews gradients, long examples) {
        TrainingConfig config = graph.getTrainingConfig();
        At at = events.now();
        double rate = config.getUpdater().hasLearningRate()
                ? config.getUpdater().getLearningRate(at.iteration(), at.epoch())
                : 1;
        List<Listener> listeners = events.listeners();
        for (int i = model.variables().list().size() - 1; i >= 0; i--) {
            INDArray parameter = model.parameterParts().get(i);
            INDArray gradient = model.gradientParts().get(i);
            apply(ApplyStep.BEFORE_UPDATER, parameter, gradient, rate, at);
            model.updaters().get(i).applyUpdater(gradient, at.iteration(), at.epoch());
            apply(ApplyStep.POST_UPDATER, parameter, gradient, rate, at);
            events.beforeUpdate(listeners, at, model.variables().list().get(i).name(), gradient);
            if (config.isMinimize()) {
                parameter.subi(gradient);
            } else {
                parameter.addi(gradient);
            }
        }
    }

    private void apply(ApplyStep step, INDArray parameter, INDArray gradient, double rate, At at) {
        for (Regularization each : regularizations()) {
            if (each.applyStep() == step) {
                each.apply(parameter, gradient, rate, at.iteration(), at.epoch());
            }
        }
    }

    @Override
    public void end(StepSummary total, GradientViews gradients) {
        double mean = total.meanScore();
        model.setScore(sumsScore ? mean * total.examples() + regularisationSum() : mean);
        try {
            events.endStep(passes == 0 ? new org.nd4j.linalg.dataset.MultiDataSet() : lastBatch, loss(total));
        } finally {
            // The update was applied: also a listener that fails leaves a whole step.
            graph.getTrainingConfig().incrementIterationCount();
            passes = 0;
            passExamples = 0;
        }
    }

    /** Of one loss, its value over all ranks. Only the sum of several is known for all ranks: those are this rank's. */
    private Loss loss(StepSummary total) {
        List<String> names = new ArrayList<>(graph.getLossVariables());
        double[] values = new double[names.size() + regularisation.size()];
        boolean alone = total.reports().size() == 1 && passes == 1;
        for (int i = 0; i < names.size(); i++) {
            if (!alone && names.size() == 1) {
                values[i] = sumsScore ? total.meanScore() * total.examples() : total.meanScore() - regularisationSum();
            } else if (passes == 0) {
                values[i] = Double.NaN;
            } else {
                values[i] = sumsScore || passes == 1 ? losses[i] : losses[i] / passExamples;
            }
        }
        int next = names.size();
        for (Map.Entry<String, Double> each : regularisation.entrySet()) {
            names.add(each.getKey());
            values[next++] = each.getValue();
        }
        return new Loss(names, values);
    }

    @Override
    public @Nullable INDArray updaterState() {
        return model.updaters().state();
    }
}
