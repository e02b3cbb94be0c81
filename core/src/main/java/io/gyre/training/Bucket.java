package io.gyre.training;

/**
 * Gradients that are sent together: a contiguous range of the gradient vector.
 *
 * @param index position in the order of sending, from 0
 * @param offset in elements, from the start of the vector
 * @param length in elements
 */
public record Bucket(int index, long offset, long length) {}
