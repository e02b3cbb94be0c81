package io.gyre.queue;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say what a job takes. */
final class NeedsOptions {

    @Option(
            names = "--cores",
            paramLabel = "N",
            description =
                    "Cores of the job, which its ranks share. Default: as many as its ranks, if -n says so, or 1.")
    private @Nullable Integer cores;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            description = "Memory that is set aside for it, such as 8g. Default: none.")
    private @Nullable String memory;

    @Option(
            names = "--gpus",
            paramLabel = "N",
            defaultValue = "0",
            description = "GPUs, or a share of one such as 0.5. Default: 0.")
    private double gpus;

    /** What a job with these words takes. */
    Needs of(List<String> words) {
        int ranks = 1;
        int at = words.indexOf("-n");
        if (at > 0 && at + 1 < words.size() && words.get(at + 1).matches("\\d{1,4}")) {
            ranks = Math.max(1, Integer.parseInt(words.get(at + 1)));
        }
        return new Needs(
                cores == null ? ranks : cores, memory == null ? 0 : Quantity.megabytes("--memory", memory), gpus);
    }
}
