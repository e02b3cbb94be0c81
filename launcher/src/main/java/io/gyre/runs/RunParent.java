package io.gyre.runs;

/**
 * Where a fork began.
 *
 * @param run the other run's directory
 * @param step of its checkpoint
 */
public record RunParent(String run, long step) {}
