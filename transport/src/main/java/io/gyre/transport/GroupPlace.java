package io.gyre.transport;

import io.gyre.OptionRange;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The group of a process in a run whose groups have seats, and where its lead meets those of the others.
 *
 * @param group number of the group, from 0: the rank of its lead in the run of groups and servers
 * @param size number of groups and servers
 * @param rendezvous where these meet: {@code host:port}
 */
public record GroupPlace(int group, int size, String rendezvous) {

    public GroupPlace {
        OptionRange.check(GyreVariable.GROUPS_SIZE + " =", size, 2, Integer.MAX_VALUE);
        OptionRange.check(GyreVariable.GROUP + " =", group, 0, size - 1L);
    }

    /**
     * Reads the variables that the launcher has set.
     *
     * @param environment as returned by {@link System#getenv()}
     * @return empty if this process is in no such group
     * @throws IllegalArgumentException if a variable is missing or invalid
     */
    public static Optional<GroupPlace> ifLaunched(Map<String, String> environment) {
        OptionalInt group = GyreVariable.GROUP.number(environment);
        if (group.isEmpty()) {
            return Optional.empty();
        }
        int size = GyreVariable.GROUPS_SIZE
                .number(environment)
                .orElseThrow(() -> missing(GyreVariable.GROUPS_SIZE, "the number of groups and servers"));
        String rendezvous = GyreVariable.GROUPS_RENDEZVOUS
                .text(environment)
                .orElseThrow(() -> missing(GyreVariable.GROUPS_RENDEZVOUS, "where their leads and the servers meet"));
        return Optional.of(new GroupPlace(group.getAsInt(), size, rendezvous));
    }

    private static IllegalArgumentException missing(GyreVariable variable, String meaning) {
        return new IllegalArgumentException(GyreVariable.GROUP + " is set, and " + variable + " is not: " + meaning
                + ". The launcher sets all three");
    }
}
