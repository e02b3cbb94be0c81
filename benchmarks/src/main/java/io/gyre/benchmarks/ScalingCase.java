package io.gyre.benchmarks;

/**
 * One run.
 *
 * @param strategy of the training
 * @param gigabits rate of each host's link, in 10^9 bits per second, on the simulated hosts
 * @param hosts how many
 * @param ranksPerHost ranks on each
 * @param slow factor by which the last host computes longer
 */
record ScalingCase(ScalingStrategy strategy, double gigabits, int hosts, int ranksPerHost, double slow) {

    int ranks() {
        return hosts * ranksPerHost;
    }

    int hostOf(int rank) {
        return rank / ranksPerHost;
    }

    /** Factor by which a rank computes longer than others. */
    double slowness(int rank) {
        return hostOf(rank) == hosts - 1 ? slow : 1;
    }
}
