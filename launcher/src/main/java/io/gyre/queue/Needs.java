package io.gyre.queue;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.OptionRange;
import java.math.BigDecimal;

/**
 * What a job takes while it runs.
 *
 * @param cores processor cores
 * @param memoryMb MiB of memory; 0 if nobody counts it
 * @param gpus a whole number of GPUs, or a share of one below 1
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record Needs(int cores, long memoryMb, double gpus) {

    public Needs {
        OptionRange.check("--cores", cores, 1, Room.MOST);
        OptionRange.check("--memory", memoryMb, 0, Room.MOST_MB);
        OptionRange.check("--gpus", gpus, 0, Room.MOST);
        if (gpus > 1 && gpus != Math.rint(gpus)) {
            throw new IllegalArgumentException("--gpus " + gpus + ": expected a whole number, or a share below 1");
        }
    }

    /** For people, as {@code 2 cores, 8192 MiB, 0.5 GPUs}. */
    @Override
    public String toString() {
        String gpuText =
                gpus > 0 ? ", " + BigDecimal.valueOf(gpus).stripTrailingZeros().toPlainString() + " GPUs" : "";
        return cores + (cores == 1 ? " core" : " cores") + (memoryMb > 0 ? ", " + memoryMb + " MiB" : "") + gpuText;
    }
}
