package io.gyre.startup;

import java.util.Optional;

/**
 * What an all-reduce takes at least, by what was measured, if nothing else took time.
 *
 * @param nanos of time
 * @param way over which the bytes go, with its rate
 */
record Floor(long nanos, String way) {

    /**
     * The floor of an all-reduce of a vector. In shared memory a rank reads and writes as many bytes as a copy of the
     * vector does. Otherwise each of H sets of ranks that share memory sends 2 (H - 1) / H of the vector over its link.
     *
     * @return empty if the way was not measured
     */
    static Optional<Floor> of(StartupTable table, long vectorBytes) {
        if (vectorBytes <= 0 || table.ranks().size() < 2) {
            return Optional.empty();
        }
        int memories = table.memories();
        if (memories == 1) {
            double rate = table.ranks().stream()
                    .mapToDouble(rank -> rank.speed().copiedBytesPerSecond())
                    .min()
                    .orElseThrow();
            return Optional.of(
                    new Floor(Math.round(vectorBytes / rate * 1e9), "shared memory at " + Figures.rate(rate)));
        }
        return table.slowestLink().map(link -> over(link, Math.round(2.0 * (memories - 1) / memories * vectorBytes)));
    }

    /** The floor of sending bytes over a link. */
    static Floor over(Link link, long bytes) {
        return new Floor(Math.round(bytes / link.bytesPerSecond() * 1e9), link.toString());
    }

    @Override
    public String toString() {
        return Figures.time(nanos) + " over " + way;
    }
}
