package io.gyre.launcher;

import java.util.Optional;

/**
 * How a run ended.
 *
 * @param exitStatus 0 if every rank ended with 0; 128 and the number of the signal that ended the run, if one did; else
 *     1
 * @param restarts number of restarts
 * @param failure text that says which rank failed first, how, and its last lines; empty if none did, or the run was
 *     stopped
 * @param lostProcess whether it ended because a process that was needed was killed, or did not answer; not because its
 *     program has failed
 */
public record LaunchResult(int exitStatus, int restarts, Optional<String> failure, boolean lostProcess) {}
