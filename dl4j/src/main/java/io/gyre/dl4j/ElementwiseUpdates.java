package io.gyre.dl4j;

import java.util.List;
import java.util.Set;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.nd4j.linalg.learning.AMSGradUpdater;
import org.nd4j.linalg.learning.AdaDeltaUpdater;
import org.nd4j.linalg.learning.AdaGradUpdater;
import org.nd4j.linalg.learning.AdaMaxUpdater;
import org.nd4j.linalg.learning.AdamUpdater;
import org.nd4j.linalg.learning.NadamUpdater;
import org.nd4j.linalg.learning.NesterovsUpdater;
import org.nd4j.linalg.learning.NoOpUpdater;
import org.nd4j.linalg.learning.RmsPropUpdater;
import org.nd4j.linalg.learning.SgdUpdater;
import org.nd4j.linalg.learning.regularization.L1Regularization;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.WeightDecay;

/** The updates of which each element depends on no other: they may be computed in parts. */
final class ElementwiseUpdates {

    private static final Set<Class<?>> UPDATERS = Set.of(
            SgdUpdater.class,
            NesterovsUpdater.class,
            AdamUpdater.class,
            AdaMaxUpdater.class,
            AMSGradUpdater.class,
            NadamUpdater.class,
            AdaGradUpdater.class,
            AdaDeltaUpdater.class,
            RmsPropUpdater.class,
            NoOpUpdater.class);

    private static final Set<Class<?>> REGULARISATIONS =
            Set.of(L1Regularization.class, L2Regularization.class, WeightDecay.class);

    private static final Set<Class<?>> OF_NETWORKS = Set.of(MultiLayerUpdater.class, ComputationGraphUpdater.class);

    private ElementwiseUpdates() {}

    /** Why a network's update cannot be computed in parts, as far as is known; empty if it can. */
    static String obstacle(Network network) {
        if (!(network.updater() instanceof BaseMultiLayerUpdater<?> updater)
                || !OF_NETWORKS.contains(updater.getClass())) {
            return "the model has an updater of its own kind, "
                    + network.updater().getClass().getName();
        }
        for (UpdaterBlock block : updater.getUpdaterBlocks()) {
            Class<?> kind = block.getGradientUpdater().getClass();
            if (!UPDATERS.contains(kind)) {
                return "it is not known whether " + kind.getName() + " updates each element by itself";
            }
            for (ParamState parameter : block.getLayersAndVariablesInBlock()) {
                String obstacle = obstacle(parameter);
                if (!obstacle.isEmpty()) {
                    return obstacle;
                }
            }
        }
        return "";
    }

    private static String obstacle(ParamState parameter) {
        List<Regularization> all = parameter.getLayer().getConfig().getRegularizationByParam(parameter.getParamName());
        if (all == null) {
            return "";
        }
        for (Regularization each : all) {
            if (!REGULARISATIONS.contains(each.getClass())) {
                return "the " + each.getClass().getSimpleName() + " of parameter " + parameter.getParamName()
                        + " may need the whole of it";
            }
        }
        return "";
    }
}
