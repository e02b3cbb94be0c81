package io.gyre.paramserver;

/**
 * Messages between clients and servers, and between servers that hold copies of a shard: one record for each request,
 * each reply and each {@link CopyMessage}, in which every field has one meaning.
 *
 * <p>The header of the frame that carries a message has the rest: the call that it belongs to
 * ({@link io.gyre.network.Frame#step}), the shard that it is about ({@link io.gyre.network.Frame#bucket}), and the
 * number of bytes of data that follow in separate frames ({@link io.gyre.network.Frame#vectorBytes}).
 */
sealed interface ServerMessage permits Request, Reply, CopyMessage {

    /** Version of these messages. Ranks agree on it before they send any: see {@link ParameterService}. */
    int PROTOCOL_VERSION = 5;
}
