package io.gyre.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * What every parser of bytes from outside promises, whatever the bytes: it returns, or throws the exceptions that it
 * documents, with a message; and it allocates in proportion to the bytes that are there, not to what they claim.
 */
public final class ParserContract {

    /** For an error with its stack trace, buffers, and what a fuzzer's instrumentation takes. */
    private static final long FIXED_BYTES = 2 << 20;

    /** A field of a few bytes becomes an object, a text, and an entry of a map. */
    private static final long BYTES_PER_BYTE = 200;

    private static final int MESSAGE_CHARACTERS = 2_000;
    private static final int MESSAGE_CHARACTERS_PER_BYTE = 4;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private ParserContract() {}

    /**
     * Runs a parser, and fails if it breaks its promise.
     *
     * @param inputBytes number of bytes that it reads
     * @param parser may be called twice: the first call of a class loads others
     * @param documented the exceptions that it may throw, subclasses included
     * @return what it has read; null if it has thrown
     * @throws AssertionError with what it did instead
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // They are only read.
    public static <T> @Nullable T parse(long inputBytes, Callable<T> parser, Class<? extends Exception>... documented) {
        long bound = FIXED_BYTES + BYTES_PER_BYTE * inputBytes;
        long before = THREADS.getCurrentThreadAllocatedBytes();
        T result = attempt(inputBytes, parser, documented);
        if (THREADS.getCurrentThreadAllocatedBytes() - before > bound) {
            before = THREADS.getCurrentThreadAllocatedBytes();
            result = attempt(inputBytes, parser, documented);
            long taken = THREADS.getCurrentThreadAllocatedBytes() - before;
            if (taken > bound) {
                throw new AssertionError(
                        "allocated " + taken + " bytes for an input of " + inputBytes + ", bound " + bound);
            }
        }
        return result;
    }

    private static <T> @Nullable T attempt(
            long inputBytes, Callable<T> parser, Class<? extends Exception>[] documented) {
        try {
            return parser.call();
        } catch (Exception e) {
            for (Class<? extends Exception> expected : documented) {
                if (expected.isInstance(e)) {
                    checkMessage(inputBytes, e);
                    return null;
                }
            }
            throw new AssertionError("undocumented: " + e, e);
        }
    }

    private static void checkMessage(long inputBytes, Exception e) {
        String message = e.getMessage();
        if (message == null || message.isBlank()) {
            throw new AssertionError("an error without a message: " + e, e);
        }
        if (message.length() > MESSAGE_CHARACTERS + MESSAGE_CHARACTERS_PER_BYTE * inputBytes) {
            throw new AssertionError("a message of " + message.length() + " characters", e);
        }
    }
}
