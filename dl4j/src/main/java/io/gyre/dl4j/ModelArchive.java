package io.gyre.dl4j;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;

/**
 * The zip of a model, checked entry by entry with the class that {@code ModelSerializer} reads it with: both see the
 * same entries. Contents are read through and counted, and only the configuration is kept, so that a small file cannot
 * make the check allocate.
 */
final class ModelArchive {

    private static final String CONFIGURATION = "configuration.json";
    private static final String COEFFICIENTS = "coefficients.bin";
    private static final String UPDATER_STATE = "updaterState.bin";
    private static final String NORMALIZER = "normalizer.bin";
    private static final String NO_PARAMETERS = "noParams.marker";
    private static final String PREPROCESSOR = "preprocessor.bin";

    private static final int MAX_CONFIGURATION_BYTES = 16 << 20;
    private static final int MAX_NORMALIZER_BYTES = 16 << 20;

    /** Longest name that an error shows. */
    private static final int SHOWN = 80;

    /** Parameters take more than a hundredth of their length when packed; zeros, up to a thousandth. */
    private static final int MAX_RATIO = 100;

    /** Harmless, whatever it was packed into. */
    private static final long ANY_RATIO_BYTES = 64 << 20;

    /** AMSGrad has three numbers for each parameter, more than any other updater of Deeplearning4j's. */
    private static final int MAX_STATE_PER_PARAMETER = 4;

    private final byte[] zip;
    private final long maxBytes;
    private final List<String> allowedClasses;
    private final Set<String> seen = new HashSet<>();
    private long total;
    private @Nullable ModelArray coefficients;
    private @Nullable ModelArray updaterState;

    /**
     * Checks nothing yet.
     *
     * @param zip borrowed, and not to be changed
     * @param maxBytes of all its contents
     * @param allowedClasses see {@link ModelClasses#check}
     */
    ModelArchive(byte[] zip, long maxBytes, List<String> allowedClasses) {
        this.zip = zip;
        this.maxBytes = maxBytes;
        this.allowedClasses = allowedClasses;
    }

    /**
     * Checks all of it; called once.
     *
     * @throws IOException saying what is wrong
     */
    void check() throws IOException {
        ByteArrayInputStream packed = new ByteArrayInputStream(zip);
        try (ZipInputStream in = new ZipInputStream(packed)) {
            for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                checkEntry(entry, in, packed);
            }
        } catch (EOFException e) {
            throw new IOException("its zip is cut off", e);
        } catch (IllegalArgumentException e) {
            throw new IOException("its zip has a damaged header: " + e.getMessage(), e);
        }
        require(CONFIGURATION);
        require(COEFFICIENTS);
        checkState();
    }

    private void checkEntry(ZipEntry entry, ZipInputStream in, ByteArrayInputStream packed) throws IOException {
        String name = entry.getName();
        String shown = "'" + name.substring(0, Math.min(name.length(), SHOWN)) + "'";
        if (!seen.add(name)) {
            throw new IOException("it has the entry " + shown + " twice");
        }
        // ModelSerializer allocates this length before it reads.
        if (entry.getSize() > maxBytes - total) {
            throw tooLarge(shown);
        }
        Content content = new Content(shown, in, packed, name.equals(COEFFICIENTS));
        switch (name) {
            case CONFIGURATION -> {
                byte[] text = content.readNBytes(MAX_CONFIGURATION_BYTES + 1);
                if (text.length > MAX_CONFIGURATION_BYTES) {
                    throw new IOException("its configuration has more than " + MAX_CONFIGURATION_BYTES + " bytes");
                }
                // The charset that ModelSerializer reads it with, so that both see the same text.
                ModelClasses.check(new String(text, Charset.defaultCharset()), allowedClasses);
            }
            case COEFFICIENTS -> coefficients = ModelArray.check(content, COEFFICIENTS);
            case UPDATER_STATE -> updaterState = ModelArray.check(content, UPDATER_STATE);
            case NORMALIZER -> content.skipAtMost(MAX_NORMALIZER_BYTES);
            case PREPROCESSOR ->
                throw new IOException("it has a " + PREPROCESSOR + ", an object of Java serialization, which runs code"
                        + " when it is read: save the model again, without it");
            case NO_PARAMETERS -> throw new IOException("it is a model without parameters");
            default ->
                throw new IOException("it has the entry " + shown + ", which no model has, expected " + CONFIGURATION
                        + ", " + COEFFICIENTS + ", " + UPDATER_STATE + " and " + NORMALIZER);
        }
        if (content.read() >= 0) {
            throw new IOException("its entry " + shown + " is longer than it should be");
        }
    }

    private IOException tooLarge(String shown) {
        return new IOException("its contents, up to " + shown + ", take more than " + maxBytes
                + " bytes, half of this JVM's heap: give more heap (-Xmx), if the model is to be read");
    }

    private void require(String name) throws IOException {
        if (!seen.contains(name)) {
            throw new IOException("it has no " + name + ": it is no zip of a model, or it is cut off");
        }
    }

    private void checkState() throws IOException {
        ModelArray state = updaterState;
        ModelArray parameters = coefficients;
        if (state != null && parameters != null && state.length() / MAX_STATE_PER_PARAMETER > parameters.length()) {
            throw new IOException("its updater has a state of " + state.length() + " numbers for "
                    + parameters.length() + " parameters: at most " + MAX_STATE_PER_PARAMETER
                    + " for each are possible");
        }
    }

    /** What an entry expands to, counted and bounded. */
    private final class Content extends FilterInputStream {

        private final String shown;
        private final ByteArrayInputStream packed;
        private final boolean boundRatio;
        private final int packedBefore;
        private long expanded;

        Content(String shown, InputStream in, ByteArrayInputStream packed, boolean boundRatio) {
            super(in);
            this.shown = shown;
            this.packed = packed;
            this.boundRatio = boundRatio;
            this.packedBefore = packed.available();
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int n = in.read(bytes, offset, length);
            if (n > 0) {
                expanded += n;
                total += n;
                if (total > maxBytes) {
                    throw tooLarge(shown);
                }
                long from = (long) packedBefore - packed.available();
                if (boundRatio && expanded > ANY_RATIO_BYTES && expanded / MAX_RATIO > from) {
                    throw new IOException("its entry " + shown + " expands more than " + MAX_RATIO
                            + " times: these are no parameters");
                }
            }
            return n;
        }

        @Override
        public long skip(long n) throws IOException {
            return skipAtMost(n);
        }

        private long skipAtMost(long n) throws IOException {
            byte[] buffer = new byte[1 << 13];
            long skipped = 0;
            while (skipped < n) {
                int more = read(buffer, 0, (int) Math.min(buffer.length, n - skipped));
                if (more < 0) {
                    break;
                }
                skipped += more;
            }
            return skipped;
        }
    }
}
