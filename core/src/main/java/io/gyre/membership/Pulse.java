package io.gyre.membership;

/** When a connection was last heard from. Time is in nanoseconds, from any origin. */
final class Pulse {

    private long lastHeard;
    private boolean suspected;

    Pulse(long time) {
        lastHeard = time;
    }

    /** Something was received. */
    void beat(long time) {
        lastHeard = time;
        suspected = false;
    }

    /** Time since something was last received. */
    long silence(long time) {
        return time - lastHeard;
    }

    /** Whether the silence means that the rank is lost. */
    boolean isLost(long time, SilenceLimits limits) {
        return silence(time) > limits.loss().toNanos();
    }

    /** Whether the silence has become suspicious since the last beat; true once. */
    boolean becomesSuspicious(long time, SilenceLimits limits) {
        boolean before = suspected;
        suspected |= silence(time) > limits.suspicion().toNanos();
        return suspected && !before;
    }
}
