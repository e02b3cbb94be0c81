package io.gyre.paramserver;

/**
 * Messages between clients and servers: one record for each request and each reply, in which every field has one
 * meaning.
 *
 * <p>The header of the frame that carries a message has the rest: the call that it belongs to
 * ({@link io.gyre.network.Frame#step}), and the number of bytes of data that follow in separate frames
 * ({@link io.gyre.network.Frame#vectorBytes}).
 */
sealed interface ServerMessage permits Request, Reply {

    /** Version of these messages. Ranks agree on it before they send any: see {@link ParameterService}. */
    int PROTOCOL_VERSION = 4;
}
