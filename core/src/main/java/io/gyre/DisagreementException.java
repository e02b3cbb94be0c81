package io.gyre;

/** Ranks run different programs: other models, options, sizes or calls. Compare the programs; a retry does not help. */
public final class DisagreementException extends GyreException {

    private static final long serialVersionUID = 1L;

    public DisagreementException(String message) {
        super(message);
    }
}
