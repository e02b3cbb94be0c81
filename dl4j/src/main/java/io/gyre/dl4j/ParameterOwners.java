package io.gyre.dl4j;

import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.samediff.AbstractSameDiffLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffVertex;
import org.deeplearning4j.optimize.api.StepFunction;
import org.deeplearning4j.optimize.stepfunctions.NegativeDefaultStepFunction;
import org.deeplearning4j.optimize.stepfunctions.NegativeGradientStepFunction;

/** Parts of a model that may write parameters in a step, or keep them where they do not follow a move. */
final class ParameterOwners {

    private static final Pattern CLASS_IN_JSON = Pattern.compile("\"@class\"\\s*:\\s*\"([^\"]+)\"");

    /** Classes under these names write no parameters in a pass, and read them from their tables. */
    private static final List<String> KNOWN = List.of("org.deeplearning4j.", "org.nd4j.", "io.gyre.");

    private static final Set<Class<?>> SUBTRACTIONS =
            Set.of(NegativeGradientStepFunction.class, NegativeDefaultStepFunction.class);

    private ParameterOwners() {}

    /** Why ranks cannot have one copy of the parameters, as far as is known; empty if they can. */
    static String obstacle(Network network) {
        for (NeuralNetConfiguration configuration : network.configurations()) {
            List<LayerConstraint> constraints = configuration.getLayer().getConstraints();
            if (constraints != null && !constraints.isEmpty()) {
                return "constraints change them after each update";
            }
        }
        StepFunction function = network.model().getOptimizer().getStepFunction();
        if (!SUBTRACTIONS.contains(function.getClass())) {
            return "the model has a step function of its own";
        }
        return obstacleIn(network.configurationJson());
    }

    /** As {@link #obstacle}, of the classes that a configuration names. */
    static String obstacleIn(String configuration) {
        Matcher classes = CLASS_IN_JSON.matcher(configuration);
        while (classes.find()) {
            String name = classes.group(1);
            if (KNOWN.stream().noneMatch(name::startsWith)) {
                return "it is not known whether " + name + " changes them";
            }
            if (keepsArrays(name)) {
                return name + " keeps them in a graph of its own";
            }
        }
        return "";
    }

    private static boolean keepsArrays(String name) {
        try {
            Class<?> kind = Class.forName(name, false, ParameterOwners.class.getClassLoader());
            return AbstractSameDiffLayer.class.isAssignableFrom(kind) || SameDiffVertex.class.isAssignableFrom(kind);
        } catch (ClassNotFoundException | LinkageError inAnotherLoader) {
            return true;
        }
    }
}
