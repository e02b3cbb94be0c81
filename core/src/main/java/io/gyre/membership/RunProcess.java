package io.gyre.membership;

import io.gyre.Member;

/**
 * A process of a run with seats.
 *
 * @param number in the order of arrival, from 0: never given again
 * @param host name of its host
 * @param pid process id on that host
 */
public record RunProcess(int number, String host, long pid) {

    static RunProcess of(int number, Member member) {
        return new RunProcess(number, member.host(), member.pid());
    }

    /** For people: {@code process 2 (host a, pid 17)}. */
    @Override
    public String toString() {
        return "process " + number + " (host " + host + ", pid " + pid + ")";
    }
}
