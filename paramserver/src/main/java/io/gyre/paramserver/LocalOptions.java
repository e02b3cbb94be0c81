package io.gyre.paramserver;

import io.gyre.OptionRange;
import io.gyre.paramserver.StrategyOptions.Kind;
import io.gyre.training.LocalSettings;
import org.jspecify.annotations.Nullable;

/** Makes the settings of local steps from options, null for those that are not given. */
final class LocalOptions {

    private LocalOptions() {}

    /**
     * Validates the options, and returns the settings; null for a strategy without local steps.
     *
     * @throws IllegalArgumentException with the option and its value, if it is out of range
     */
    static @Nullable LocalSettings of(
            Kind strategy,
            @Nullable Long localAfter,
            @Nullable Integer period,
            @Nullable Integer fragments,
            @Nullable Double outerRate,
            @Nullable Double outerMomentum,
            @Nullable Integer delay) {
        if (strategy == Kind.POST_LOCAL) {
            long after = localAfter == null ? LocalSettings.POST_LOCAL_AFTER : localAfter;
            OptionRange.check("--local-after", after, 0, Long.MAX_VALUE);
            return LocalSettings.postLocal(after, period == null ? LocalSettings.POST_LOCAL_PERIOD : period);
        }
        if (strategy != Kind.DILOCO) {
            return null;
        }
        int every = period == null ? LocalSettings.DILOCO_PERIOD : period;
        int parts = fragments == null ? 1 : fragments;
        OptionRange.check("--fragments", parts, 1, every);
        double rate = outerRate == null ? LocalSettings.DILOCO_RATE : outerRate;
        if (!(rate > 0 && rate <= LocalSettings.MOST_RATE)) {
            throw new IllegalArgumentException(
                    "--outer-rate " + rate + ": expected a number above 0, at most " + LocalSettings.MOST_RATE);
        }
        double momentum = outerMomentum == null ? LocalSettings.DILOCO_MOMENTUM : outerMomentum;
        if (!(momentum >= 0 && momentum < 1)) {
            throw new IllegalArgumentException("--outer-momentum " + momentum + ": expected 0 or more, below 1");
        }
        int late = delay == null ? 0 : delay;
        OptionRange.check("--outer-delay", late, 0, 1);
        return LocalSettings.diloco(every, parts, rate, momentum).delayed(late);
    }
}
