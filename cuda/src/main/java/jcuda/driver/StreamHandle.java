package jcuda.driver;

/** A stream that somebody else has created, by its handle: JCuda keeps that constructor to its own package. */
public final class StreamHandle {

    private StreamHandle() {}

    /** The stream; 0 is the default stream. */
    public static CUstream of(long handle) {
        return new CUstream(handle);
    }
}
