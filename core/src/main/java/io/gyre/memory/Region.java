package io.gyre.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A range of off-heap memory with a 64-bit length: the type of every vector.
 *
 * <p>A {@link ByteBuffer} is limited to 2 GiB, so a region is a sequence of equally long <em>windows</em>, each a
 * direct buffer in native byte order. Bulk code asks for the window at an offset and for the number of contiguous bytes
 * there, and runs its inner loop on plain buffers:
 *
 * <pre>{@code
 * for (long done = 0; done < length; ) {
 *     int n = region.contiguous(offset + done, length - done);
 *     work(region.window(offset + done), region.windowOffset(offset + done), n);
 *     done += n;
 * }
 * }</pre>
 *
 * <dl>
 *   <dt>Units
 *   <dd>All offsets and lengths are in bytes. Windows are a multiple of 8 bytes long, so an element at an aligned
 *       offset never straddles two of them.
 *   <dt>Ownership
 *   <dd>{@link #allocate} creates a region that owns its memory. {@link #of} borrows the caller's, which must stay
 *       valid until the region is closed. A slice shares memory and lifetime with its region, and is not closed itself.
 *   <dt>End of life
 *   <dd>{@link #close} fails while an operation is inside ({@link #enter}), and names it. Afterwards every use fails
 *       with {@link IllegalStateException}; freed memory is never touched.
 *   <dt>Threading
 *   <dd>Life-cycle methods may be called from any thread. The contents are plain memory, without any synchronisation.
 * </dl>
 */
public final class Region implements AutoCloseable {

    /** Length of every window but the last. */
    private static final int WINDOW_BYTES = 1 << 30;

    /** Copies are made in pieces, so that the JVM can reach a safepoint in between. */
    private static final int MAX_COPY_BYTES = 1 << 20;

    private final Life life;
    private final ByteBuffer[] windows;
    private final int windowBytes;
    private final long start;
    private final long byteLength;

    private Region(Life life, ByteBuffer[] windows, int windowBytes, long start, long byteLength) {
        this.life = life;
        this.windows = windows;
        this.windowBytes = windowBytes;
        this.start = start;
        this.byteLength = byteLength;
    }

    /**
     * Allocates zeroed memory.
     *
     * @param name its purpose, used in errors
     * @param byteLength 0 or more; may exceed 2^31
     */
    public static Region allocate(String name, long byteLength) {
        return allocate(name, byteLength, WINDOW_BYTES);
    }

    /** As {@link #allocate(String, long)}, with short windows, so that tests reach their borders with little memory. */
    static Region allocate(String name, long byteLength, int windowBytes) {
        if (byteLength < 0) {
            throw new IllegalArgumentException("region '" + name + "': length " + byteLength + " is negative");
        }
        if (windowBytes <= 0 || windowBytes % Long.BYTES != 0) {
            throw new IllegalArgumentException("region '" + name + "': window of " + windowBytes
                    + " bytes is not a positive multiple of " + Long.BYTES);
        }
        int count = Math.toIntExact((byteLength + windowBytes - 1) / windowBytes);
        ByteBuffer[] windows = new ByteBuffer[count];
        for (int i = 0; i < count; i++) {
            long rest = byteLength - (long) i * windowBytes;
            windows[i] =
                    ByteBuffer.allocateDirect((int) Math.min(windowBytes, rest)).order(ByteOrder.nativeOrder());
        }
        return new Region(new Life(name, null), windows, windowBytes, 0, byteLength);
    }

    /**
     * Wraps memory that the caller owns.
     *
     * @param name its purpose, used in errors
     * @param owner kept reachable with the region, so that the memory is not freed; may be null
     * @param windows direct buffers, used from 0 to their capacity; all but the last equally long, a multiple of 8
     *     bytes
     */
    public static Region of(String name, @Nullable Object owner, List<ByteBuffer> windows) {
        ByteBuffer[] own = new ByteBuffer[windows.size()];
        long total = 0;
        for (int i = 0; i < own.length; i++) {
            ByteBuffer window = windows.get(i);
            if (!window.isDirect() || window.isReadOnly()) {
                throw new IllegalArgumentException(
                        "region '" + name + "': window " + i + " is not a writable direct buffer");
            }
            int first = windows.get(0).capacity();
            boolean last = i == own.length - 1;
            if (last
                    ? window.capacity() > first
                    : window.capacity() != first || first == 0 || first % Long.BYTES != 0) {
                throw new IllegalArgumentException("region '" + name + "': window " + i + " has " + window.capacity()
                        + " bytes; all but the last must be equally long, a positive multiple of " + Long.BYTES
                        + ", and the last not longer");
            }
            own[i] = window.duplicate().clear().order(ByteOrder.nativeOrder());
            total += window.capacity();
        }
        int windowBytes = own.length == 0 ? WINDOW_BYTES : Math.max(Long.BYTES, own[0].capacity());
        return new Region(new Life(name, owner), own, windowBytes, 0, total);
    }

    /** A part of this region, sharing its memory and lifetime. */
    public Region slice(long byteOffset, long length) {
        life.checkOpen();
        checkBounds(byteOffset, length);
        return new Region(life, windows, windowBytes, start + byteOffset, length);
    }

    /** The same memory with a lifetime of its own, so that each user can end its own use. */
    public Region share() {
        return new Region(new Life(life.name, this), windows, windowBytes, start, byteLength);
    }

    /** Offset of this region in another, in bytes; -1 if it was not cut from that by {@link #slice}. */
    public long offsetIn(Region whole) {
        boolean inside =
                life == whole.life && start >= whole.start && start + byteLength <= whole.start + whole.byteLength;
        return inside ? start - whole.start : -1;
    }

    /** Where this region begins in the memory that it was cut from, in bytes; 0 if it was not cut. */
    public long offset() {
        return start;
    }

    /** The purpose of this region. */
    public String name() {
        return life.name;
    }

    /** Length in bytes. */
    public long byteLength() {
        return byteLength;
    }

    /** The buffer that holds the byte at {@code byteOffset}; unchecked, for inner loops between enter and exit. */
    public ByteBuffer window(long byteOffset) {
        return hasOneWindow() ? windows[0] : windows[(int) ((start + byteOffset) / windowBytes)];
    }

    /** Offset of the byte at {@code byteOffset} in its {@link #window}. */
    public int windowOffset(long byteOffset) {
        return (int) (hasOneWindow() ? start + byteOffset : (start + byteOffset) % windowBytes);
    }

    /** Nearly always true, and the divisions are noticeable in short operations. */
    private boolean hasOneWindow() {
        return windows.length == 1;
    }

    /** How many of the {@code wanted} bytes from {@code byteOffset} are in one window. */
    public int contiguous(long byteOffset, long wanted) {
        return (int) Math.min(wanted, windowBytes - windowOffset(byteOffset));
    }

    /** Copies {@code length} bytes out of this region, without allocation. */
    public void copyTo(long byteOffset, ByteBuffer target, int targetOffset, int length) {
        enter("copy");
        try {
            checkBounds(byteOffset, length);
            for (int done = 0; done < length; ) {
                int n = contiguous(byteOffset + done, length - done);
                target.put(targetOffset + done, window(byteOffset + done), windowOffset(byteOffset + done), n);
                done += n;
            }
        } finally {
            exit();
        }
    }

    /** Copies {@code length} bytes into this region, without allocation. */
    public void copyFrom(long byteOffset, ByteBuffer source, int sourceOffset, int length) {
        enter("copy");
        try {
            checkBounds(byteOffset, length);
            for (int done = 0; done < length; ) {
                int n = contiguous(byteOffset + done, length - done);
                window(byteOffset + done).put(windowOffset(byteOffset + done), source, sourceOffset + done, n);
                done += n;
            }
        } finally {
            exit();
        }
    }

    /** Copies {@code length} bytes of another region, which must not overlap, into this one, without allocation. */
    public void copyFrom(long byteOffset, Region source, long sourceOffset, long length) {
        source.enter("copy");
        try {
            source.checkBounds(sourceOffset, length);
            for (long done = 0; done < length; ) {
                int n = source.contiguous(sourceOffset + done, Math.min(length - done, MAX_COPY_BYTES));
                copyFrom(
                        byteOffset + done,
                        source.window(sourceOffset + done),
                        source.windowOffset(sourceOffset + done),
                        n);
                done += n;
            }
        } finally {
            source.exit();
        }
    }

    /** Reads one element; for tests and small vectors. */
    public float getFloat(long byteOffset) {
        enter("read");
        try {
            checkBounds(byteOffset, Float.BYTES);
            return window(byteOffset).getFloat(windowOffset(byteOffset));
        } finally {
            exit();
        }
    }

    /** Writes one element; for tests and small vectors. */
    public void putFloat(long byteOffset, float value) {
        enter("write");
        try {
            checkBounds(byteOffset, Float.BYTES);
            window(byteOffset).putFloat(windowOffset(byteOffset), value);
        } finally {
            exit();
        }
    }

    /** Reads one element; for tests and small vectors. */
    public double getDouble(long byteOffset) {
        enter("read");
        try {
            checkBounds(byteOffset, Double.BYTES);
            return window(byteOffset).getDouble(windowOffset(byteOffset));
        } finally {
            exit();
        }
    }

    /** Writes one element; for tests and small vectors. */
    public void putDouble(long byteOffset, double value) {
        enter("write");
        try {
            checkBounds(byteOffset, Double.BYTES);
            window(byteOffset).putDouble(windowOffset(byteOffset), value);
        } finally {
            exit();
        }
    }

    /** Sets every byte to zero. */
    public void clear() {
        enter("clear");
        try {
            for (long done = 0; done < byteLength; ) {
                int n = Math.min(ZEROS.capacity(), contiguous(done, byteLength - done));
                window(done).put(windowOffset(done), ZEROS, 0, n);
                done += n;
            }
        } finally {
            exit();
        }
    }

    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(1 << 16).asReadOnlyBuffer();

    /**
     * Begins a use of the memory; pair it with {@link #exit} in a finally block.
     *
     * @param user name of the user in the error of a premature {@link #close}; a constant, so that nothing is allocated
     */
    public void enter(String user) {
        life.enter(user);
    }

    /** Ends a use of the memory. */
    public void exit() {
        life.users.decrementAndGet();
    }

    /** Ends the lifetime of this region and all its slices. A second call does nothing. */
    @Override
    public void close() {
        life.close();
    }

    private void checkBounds(long byteOffset, long length) {
        if (byteOffset < 0 || length < 0 || byteOffset > byteLength - length) {
            throw new IndexOutOfBoundsException("region '" + life.name + "' has " + byteLength + " bytes; " + length
                    + " bytes from " + byteOffset + " are outside");
        }
    }

    @Override
    public String toString() {
        return "region '" + life.name + "' (" + byteLength + " bytes)";
    }

    /** Shared by a region and its slices. */
    private static final class Life {
        private static final int CLOSED = Integer.MIN_VALUE;

        final String name;
        final AtomicInteger users = new AtomicInteger();
        /** Used in an error only: not worth a fence. */
        private String lastUser = "";

        @SuppressWarnings("unused") // Keeps borrowed memory reachable.
        private @Nullable Object owner;

        Life(String name, @Nullable Object owner) {
            this.name = Objects.requireNonNull(name, "name");
            this.owner = owner;
        }

        void enter(String user) {
            lastUser = user;
            if (users.incrementAndGet() <= 0) {
                users.decrementAndGet();
                throw new IllegalStateException("region '" + name + "' is closed; " + user + " cannot use it");
            }
        }

        void checkOpen() {
            if (users.get() < 0) {
                throw new IllegalStateException("region '" + name + "' is closed");
            }
        }

        void close() {
            if (users.compareAndSet(0, CLOSED)) {
                owner = null;
            } else if (users.get() > 0) {
                throw new IllegalStateException(
                        "region '" + name + "' cannot be closed: " + lastUser + " is using it; wait for it to end");
            }
        }
    }
}
