package io.gyre.paramserver;

/**
 * Where a gradient comes from: what the server must know to apply it.
 *
 * @param step of the worker
 * @param version updates that its parameters held
 * @param clock steps of every worker that its parameters held: {@code step - clock} is the staleness
 * @param examples how many it is the mean of
 * @param epoch pass over the data, for schedules
 */
record GradientOrigin(long step, long version, long clock, long examples, int epoch) {}
