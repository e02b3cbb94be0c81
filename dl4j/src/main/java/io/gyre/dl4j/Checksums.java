package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/** Checksums of memory. */
final class Checksums {

    private Checksums() {}

    /** SHA-256 in hexadecimal digits. */
    static String sha256(Region data) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            eachWindow(data, digest::update);
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    static long crc32c(List<Region> parts) {
        CRC32C crc = new CRC32C();
        for (Region part : parts) {
            eachWindow(part, crc::update);
        }
        return crc.getValue();
    }

    /**
     * CRC32C of parameters and updater state, in hexadecimal digits. Ranks compare it, and checkpoints contain it.
     *
     * @param state see {@link Replica#state}
     */
    static String ofState(List<Region> state) {
        return shown(crc32c(state));
    }

    /** A CRC32C in hexadecimal digits. */
    static String shown(long crc32c) {
        return String.format("%08x", crc32c);
    }

    /** The region's memory in order, in pieces, for a caller that reads it often. */
    static List<ByteBuffer> windows(Region data) {
        List<ByteBuffer> windows = new ArrayList<>();
        eachWindow(data, windows::add);
        return windows;
    }

    /** Passes the region's memory in order, in pieces. */
    static void eachWindow(Region data, Consumer<ByteBuffer> action) {
        for (long done = 0; done < data.byteLength(); ) {
            int n = data.contiguous(done, data.byteLength() - done);
            action.accept(data.window(done).slice(data.windowOffset(done), n));
            done += n;
        }
    }
}
