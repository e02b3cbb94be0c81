package io.gyre.launcher;

/**
 * The coordinator's word on a rank that it lost.
 *
 * @param rank which rank
 * @param reason how that was noticed
 */
record Loss(int rank, String reason) {}
