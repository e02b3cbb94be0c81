package io.gyre.paramserver;

/**
 * What clients and servers tell each other: one record for each request and each reply, in which every field has one
 * meaning.
 *
 * <p>The header of the frame that carries a message says the rest: to which call it belongs
 * ({@link io.gyre.network.Frame#step}), and how many bytes of data follow in frames of their own
 * ({@link io.gyre.network.Frame#vectorBytes}).
 */
sealed interface ServerMessage permits Request, Reply {

    /** Version of these messages. Ranks agree on it before they send any: see {@link ParameterService}. */
    int PROTOCOL_VERSION = 2;
}
