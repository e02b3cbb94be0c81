package io.gyre.transport;

import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** SLURM's counts of tasks per node: {@code 2(x3),1} is 2 on each of the first three nodes, and 1 on the fourth. */
final class SlurmTasks {

    private static final Pattern GROUP = Pattern.compile("(\\d{1,9})(?:\\(x(\\d{1,9})\\))?");

    private SlurmTasks() {}

    /** Tasks of the step on this node; empty if SLURM does not tell. */
    static OptionalInt onThisNode(EnvironmentVariables has) {
        String variable = has.all("SLURM_STEP_TASKS_PER_NODE") ? "SLURM_STEP_TASKS_PER_NODE" : "SLURM_TASKS_PER_NODE";
        OptionalInt node = has.optionalNumber("SLURM_NODEID");
        return node.isEmpty() || !has.all(variable)
                ? OptionalInt.empty()
                : OptionalInt.of(onNode(variable, has.text(variable).orElse(""), node.getAsInt()));
    }

    private static int onNode(String variable, String counts, int node) {
        long rest = node;
        for (String group : counts.split(",", -1)) {
            Matcher matcher = GROUP.matcher(group);
            if (!matcher.matches()) {
                throw new IllegalArgumentException(
                        "environment variable " + variable + " = '" + counts + "': expected counts such as 2(x3),1");
            }
            rest -= matcher.group(2) == null ? 1 : Integer.parseInt(matcher.group(2));
            if (rest < 0) {
                return Integer.parseInt(matcher.group(1));
            }
        }
        throw new IllegalArgumentException(
                "environment variable " + variable + " = '" + counts + "' has no node " + node + " (SLURM_NODEID)");
    }
}
