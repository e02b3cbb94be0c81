package io.gyre;

/**
 * Data from the network violate the protocol: a damaged, foreign, repeated or missing frame. The link can no longer be
 * used.
 */
public final class ProtocolException extends GyreException {

    private static final long serialVersionUID = 1L;

    public ProtocolException(String message) {
        super(message);
    }
}
