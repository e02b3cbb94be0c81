package io.gyre.startup;

/**
 * What the start-up check knows of a rank.
 *
 * @param rank its number
 * @param host what it found about its host
 * @param memoryOf the lowest rank with which it shares memory; its own number if with none
 * @param speed how fast it computes and copies
 */
public record RankFacts(int rank, HostFacts host, int memoryOf, HostSpeed speed) {

    /** The rank and its host, for people. */
    @Override
    public String toString() {
        return "rank " + rank + " on " + host.host();
    }
}
