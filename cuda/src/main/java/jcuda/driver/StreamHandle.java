package jcuda.driver;

/** A stream created elsewhere, by its handle: JCuda's constructor for it is package-private. */
public final class StreamHandle {

    private StreamHandle() {}

    /** The stream; 0 is the default stream. */
    public static CUstream of(long handle) {
        return new CUstream(handle);
    }
}
