package io.gyre.paramserver;

/**
 * Origin of a gradient: what the server must know to apply it.
 *
 * @param step of the worker
 * @param version number of updates that its parameters contained
 * @param clock number of steps of every worker that its parameters contained: {@code step - clock} is the staleness
 * @param examples number of examples that it is the mean of
 * @param epoch pass over the data, for schedules
 */
record GradientOrigin(long step, long version, long clock, long examples, int epoch) {}
