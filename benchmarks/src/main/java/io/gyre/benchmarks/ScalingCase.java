package io.gyre.benchmarks;

/**
 * One run.
 *
 * @param strategy how ranks come to a common model
 * @param gigabits rate of each host's link, in 10^9 bits per second, on the simulated hosts
 * @param hosts how many
 * @param ranksPerHost ranks on each
 * @param slow how many times as long the last host computes
 */
record ScalingCase(ScalingStrategy strategy, double gigabits, int hosts, int ranksPerHost, double slow) {

    int ranks() {
        return hosts * ranksPerHost;
    }

    int hostOf(int rank) {
        return rank / ranksPerHost;
    }

    /** How many times as long as others a rank computes. */
    double slowness(int rank) {
        return hostOf(rank) == hosts - 1 ? slow : 1;
    }
}
