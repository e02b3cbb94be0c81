package io.gyre;

/**
 * A rank's identity, for people: errors and logs name peers by it.
 *
 * @param rank number in the whole session
 * @param host name of its host
 * @param pid process id on that host
 */
public record Member(int rank, String host, long pid) {

    @Override
    public String toString() {
        return "rank " + rank + " (host " + host + ", pid " + pid + ")";
    }
}
