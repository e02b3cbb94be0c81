package io.gyre.runs;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a run before its first step.
 *
 * @param parent the run that it is forked from; null for none
 * @param arguments see {@link RunRecord#arguments}
 * @param setup see {@link RunRecord#setup}
 * @param hosts by rank
 * @param tensorboard whether event files are written, too
 */
public record RunPlan(
        @Nullable RunParent parent,
        List<String> arguments,
        Map<String, Object> setup,
        List<String> hosts,
        boolean tensorboard) {

    public RunPlan {
        arguments = List.copyOf(arguments);
        setup = Map.copyOf(setup);
        hosts = List.copyOf(hosts);
    }
}
