package io.gyre.paramserver;

/**
 * What clients and servers tell each other.
 *
 * <p>The header of the frame that carries a message says the rest: which call it belongs to ({@link io.gyre.Frame#step}) and how
 * many bytes of data follow in frames of their own ({@link io.gyre.Frame#vectorBytes}).
 */
sealed interface ServerMessage permits Request, Reply {}
