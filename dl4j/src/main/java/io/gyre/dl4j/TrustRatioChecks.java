package io.gyre.dl4j;

import io.gyre.dl4j.learning.Lamb;
import io.gyre.dl4j.learning.LambTrustRatio;
import io.gyre.dl4j.learning.Lars;
import io.gyre.dl4j.learning.LarsTrustRatio;
import io.gyre.dl4j.learning.TrustRatio;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Trainable;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;

/** Rejects models that have half of LARS or LAMB, whose parts are an updater and a regularisation of the weights. */
final class TrustRatioChecks {

    private TrustRatioChecks() {}

    static void check(Map<String, Trainable> trainables) {
        List<IUpdater> updaters = new ArrayList<>();
        List<Regularization> all = new ArrayList<>();
        trainables.forEach((name, trainable) -> {
            for (String parameter : trainable.paramTable(false).keySet()) {
                updaters.add(trainable.getConfig().getUpdaterByParam(parameter));
                List<Regularization> own = trainable.getConfig().getRegularizationByParam(parameter);
                if (own != null) {
                    checkAlone(own, name + "_" + parameter);
                    all.addAll(own);
                }
            }
        });
        checkComplete(updaters, Lars.class, all, LarsTrustRatio.class, "Lars.trustRatio(0.001, 0.0005)");
        checkComplete(updaters, Lamb.class, all, LambTrustRatio.class, "Lamb.trustRatio(0.01)");
    }

    private static void checkAlone(List<Regularization> own, String parameter) {
        if (own.size() > 1 && own.stream().anyMatch(TrustRatio.class::isInstance)) {
            throw new IllegalArgumentException(
                    "parameter " + parameter + " has the regularisations " + own
                            + ": the norms in a trust ratio would depend on their order. Use the weight decay of the trust ratio alone");
        }
    }

    private static void checkComplete(
            List<IUpdater> updaters,
            Class<? extends IUpdater> updater,
            List<Regularization> regularizations,
            Class<? extends TrustRatio> ratio,
            String example) {
        if (updaters.stream().anyMatch(updater::isInstance)
                && regularizations.stream().noneMatch(ratio::isInstance)) {
            throw new IllegalArgumentException("the model has the updater " + updater.getSimpleName()
                    + ", and no parameter has its trust ratio: add regularization(" + example
                    + ") to the configuration, with coefficients of your own");
        }
    }
}
