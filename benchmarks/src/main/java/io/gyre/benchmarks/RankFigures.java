package io.gyre.benchmarks;

import java.nio.ByteBuffer;

/**
 * Measurements of one rank, in real time.
 *
 * @param steps that were measured
 * @param seconds they took together
 * @param sentBytes by its host's link meanwhile, headers included
 * @param receivedBytes by its host's link meanwhile, headers included
 * @param processSeconds processor time of this rank
 * @param processorBusy fraction of the machine's processor time that was used, by any process
 */
record RankFigures(
        int steps,
        double seconds,
        double sentBytes,
        double receivedBytes,
        double processSeconds,
        double processorBusy) {

    static RankFigures between(Usage begin, Usage end, int steps) {
        return new RankFigures(
                steps,
                (end.nanos() - begin.nanos()) / 1e9,
                (double) (end.sentBytes() - begin.sentBytes()),
                (double) (end.receivedBytes() - begin.receivedBytes()),
                (end.processNanos() - begin.processNanos()) / 1e9,
                (double) (end.busyTicks() - begin.busyTicks()) / Math.max(1, end.allTicks() - begin.allTicks()));
    }

    double stepSeconds() {
        return seconds / steps;
    }

    byte[] encode() {
        return ByteBuffer.allocate(Integer.BYTES + 5 * Double.BYTES)
                .putInt(steps)
                .putDouble(seconds)
                .putDouble(sentBytes)
                .putDouble(receivedBytes)
                .putDouble(processSeconds)
                .putDouble(processorBusy)
                .array();
    }

    static RankFigures decode(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        return new RankFigures(
                in.getInt(), in.getDouble(), in.getDouble(), in.getDouble(), in.getDouble(), in.getDouble());
    }
}
