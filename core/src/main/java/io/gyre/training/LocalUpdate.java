package io.gyre.training;

/** The model's own updater computes the new parameters, on every rank from the same gradients: nothing is exchanged. */
final class LocalUpdate implements ParameterExchange {}
