package io.gyre;

/**
 * What came over the network breaks the protocol: a damaged, foreign, repeated or missing frame. The link is then dead.
 */
public final class ProtocolException extends GyreException {

    private static final long serialVersionUID = 1L;

    public ProtocolException(String message) {
        super(message);
    }
}
