package io.gyre.benchmarks;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.ArrayList;
import java.util.List;

/**
 * Figures of one run; scripts rely on the names. Times and rates are those of the simulated hosts, unless they say
 * otherwise.
 *
 * @param strategy with its period, if it has one
 * @param gbps rate of each host's link, in 10^9 bits per second
 * @param hosts how many
 * @param ranks on all hosts together
 * @param slow factor by which the last host computed longer
 * @param stepMs time of a step, from the combined step rate of the ranks that were not slow
 * @param floorMs the arithmetic lower bound: see {@link ScalingFloor}
 * @param ofFloor floor divided by time
 * @param efficiency speed relative to one host with the same strategy; 0 if that was not measured
 * @param kept speed relative to the same hosts when none is slow; 1 if none is, 0 if that was not measured
 * @param sentBytes bytes sent by a host's link in a step, headers included; mean over hosts
 * @param exchangeMs how long a host's link was busy in a step, in its busier direction; mean over hosts
 * @param hiddenMs the part of that during which the rank computed
 * @param exposedMs time of a step beyond computing
 * @param stepMsOfRanks by rank
 * @param checked whether all ranks ended with the correct parameters; a report with wrong ones is never written
 * @param steps that were measured on each rank, fewer on slow ones
 * @param dilation factor by which everything ran slower than on the simulated hosts
 * @param processorBusy fraction of the machine's processor time used meanwhile, by any process
 * @param processorSeconds processor time of a rank for a step, in real time; mean over ranks
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record ScalingResult(
        String strategy,
        double gbps,
        int hosts,
        int ranks,
        double slow,
        double stepMs,
        double floorMs,
        double ofFloor,
        double efficiency,
        double kept,
        double sentBytes,
        double exchangeMs,
        double hiddenMs,
        double exposedMs,
        List<Double> stepMsOfRanks,
        boolean checked,
        int steps,
        double dilation,
        double processorBusy,
        double processorSeconds) {

    /**
     * Combines the measurements of all ranks.
     *
     * @param computeSeconds of forward and backward pass, on a host that is not slow
     * @param floorSeconds of a step
     * @param all by rank
     */
    static ScalingResult of(
            ScalingCase run, double dilation, double computeSeconds, double floorSeconds, List<RankFigures> all) {
        List<Double> stepMs = new ArrayList<>();
        double speed = 0;
        int fast = 0;
        double sent = 0;
        double busyLink = 0;
        double exposed = 0;
        for (int rank = 0; rank < all.size(); rank++) {
            RankFigures figures = all.get(rank);
            double seconds = figures.stepSeconds() / dilation;
            stepMs.add(seconds * 1e3);
            sent += figures.sentBytes() / figures.steps() / all.size();
            double more = Math.max(figures.sentBytes(), figures.receivedBytes());
            busyLink += more / figures.steps() / all.size() * Byte.SIZE / (run.gigabits() * 1e9);
            if (run.slowness(rank) == 1 || run.hosts() == 1) {
                speed += 1 / seconds;
                exposed += Math.max(0, seconds - computeSeconds);
                fast++;
            }
        }
        double step = fast / speed;
        exposed /= fast;
        return new ScalingResult(
                run.strategy().toString(),
                run.gigabits(),
                run.hosts(),
                run.ranks(),
                run.slow(),
                step * 1e3,
                floorSeconds * 1e3,
                floorSeconds / step,
                0,
                run.slow() == 1 ? 1 : 0,
                sent,
                busyLink * 1e3,
                Math.max(0, busyLink - exposed) * 1e3,
                exposed * 1e3,
                stepMs,
                true,
                all.get(0).steps(),
                dilation,
                all.get(0).processorBusy(),
                all.stream()
                        .mapToDouble(figures -> figures.processSeconds() / figures.steps())
                        .average()
                        .orElseThrow());
    }

    private boolean isLike(ScalingResult other) {
        return strategy.equals(other.strategy) && gbps == other.gbps && ranks / hosts == other.ranks / other.hosts;
    }

    /** A copy with figures relative to earlier results. */
    ScalingResult besides(List<ScalingResult> others) {
        double alone = hosts == 1 ? stepMs : 0;
        double allAlike = slow == 1 ? stepMs : 0;
        for (ScalingResult other : others) {
            if (isLike(other) && other.slow == 1) {
                alone = other.hosts == 1 ? other.stepMs : alone;
                allAlike = other.hosts == hosts ? other.stepMs : allAlike;
            }
        }
        return new ScalingResult(
                strategy,
                gbps,
                hosts,
                ranks,
                slow,
                stepMs,
                floorMs,
                ofFloor,
                alone / stepMs,
                allAlike / stepMs,
                sentBytes,
                exchangeMs,
                hiddenMs,
                exposedMs,
                stepMsOfRanks,
                checked,
                steps,
                dilation,
                processorBusy,
                processorSeconds);
    }
}
