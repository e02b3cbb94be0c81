package io.gyre.dl4j;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Deeplearning4j's own classes whose results for parts of a batch, or of the data, cannot be merged, with the reasons.
 * Other classes are trusted; {@code docs/training.md} says what they must guarantee.
 */
final class NotDivisible {

    private static final Pattern CLASS_IN_JSON = Pattern.compile("\"@class\"\\s*:\\s*\"([^\"]+)\"");

    private static final Map<String, String> REASONS = Map.of(
            "org.nd4j.linalg.lossfunctions.impl.LossFMeasure",
            "the F-measure of a batch is no sum over its examples, so those of its parts cannot be added up",
            "org.deeplearning4j.nn.conf.ocnn.OCNNOutputLayer",
            "the layer writes its parameter r itself, from a window of the outputs that it has seen, so ranks would differ",
            "org.nd4j.evaluation.custom.CustomEvaluation",
            "its functions cannot be sent to other ranks");

    private NotDivisible() {}

    /** Why objects of a class, one of these or a subclass, are rejected; null if they are not. */
    static @Nullable String reason(Class<?> kind) {
        for (Class<?> type = kind; type != null; type = type.getSuperclass()) {
            String reason = REASONS.get(type.getName());
            if (reason != null) {
                return kind.getSimpleName() + ": " + reason;
            }
        }
        return null;
    }

    /**
     * Why a model is rejected; null if it is not.
     *
     * @param configuration as JSON, which names the class of every loss, layer and vertex, however deeply wrapped
     */
    static @Nullable String reason(String configuration) {
        Matcher classes = CLASS_IN_JSON.matcher(configuration);
        while (classes.find()) {
            Class<?> kind = named(classes.group(1));
            String reason = kind == null ? null : reason(kind);
            if (reason != null) {
                return reason;
            }
        }
        return null;
    }

    private static @Nullable Class<?> named(String name) {
        ClassLoader ofThread = Thread.currentThread().getContextClassLoader();
        try {
            return Class.forName(name, false, ofThread == null ? NotDivisible.class.getClassLoader() : ofThread);
        } catch (ClassNotFoundException | LinkageError inAnotherLoader) {
            // A user's class: not one of these.
            return null;
        }
    }
}
