package io.gyre.transport;

import io.gyre.DisagreementException;
import io.gyre.Member;
import io.gyre.membership.RunId;
import io.gyre.memory.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.agrona.BufferUtil;
import org.jspecify.annotations.Nullable;

/**
 * A memory box as a file in shared memory: its data first, so that they get the best alignment of a mapping, then a
 * last page that describes it. The file is named when it is complete, so whoever finds it finds all of it.
 *
 * <p>Its pages are written, not just reserved: if shared memory cannot provide a page, that is an error here, and not
 * the end of the JVM (SIGBUS) at the first access.
 */
final class BoxFile {

    private static final int PAGE_BYTES = 4_096;

    /** Longest mapping: what a buffer can hold, in whole pages. */
    private static final int MAX_WINDOW_BYTES = Integer.MAX_VALUE & -PAGE_BYTES;

    private static final long MAGIC = 0x3158_4f42_4552_5947L; // "GYREBOX1"
    private static final int VERSION = 1;
    private static final int FIXED_LABEL_BYTES = 48;
    private static final int MAX_NAME_BYTES = PAGE_BYTES - FIXED_LABEL_BYTES;

    private final RunId run;
    private final int generation;

    /** Files of one run and generation. */
    BoxFile(RunId run, int generation) {
        this.run = run;
        this.generation = generation;
    }

    /** Path of a box. */
    static Path path(Path directory, String name) {
        CRC32C crc = new CRC32C();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        String readable = name.replaceAll("[^A-Za-z0-9]+", "-");
        return directory.resolve("box-" + readable.substring(0, Math.min(readable.length(), 80)) + "-"
                + Long.toHexString(crc.getValue()));
    }

    /** File length of a box. */
    static long fileBytes(long byteLength) {
        return labelOffset(byteLength) + PAGE_BYTES;
    }

    private static long labelOffset(long byteLength) {
        return (byteLength + PAGE_BYTES - 1) & -PAGE_BYTES;
    }

    /** Creates a box and maps it. */
    Mapping create(Path file, Member owner, String name, long byteLength) throws IOException {
        if (Files.exists(file)) {
            throw new IllegalArgumentException(owner + " has a box '" + name + "' already");
        }
        Path unfinished = file.resolveSibling(file.getFileName() + ".new");
        try (FileChannel channel = FileChannel.open(
                unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            writeZeros(channel, labelOffset(byteLength));
            writeFully(channel, label(owner, name, byteLength), labelOffset(byteLength));
            Mapping mapping = map(channel, regionName(owner, name), byteLength);
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
            return mapping;
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException(file.getParent() + " cannot rename files atomically", e);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private static void writeZeros(FileChannel channel, long bytes) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(bytes, 1 << 20));
        for (long done = 0; done < bytes; ) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - done));
            done += channel.write(zeros, done);
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        for (long at = position; bytes.hasRemaining(); ) {
            at += channel.write(bytes, at);
        }
    }

    private ByteBuffer label(Member owner, String name, long byteLength) {
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        if (nameBytes.length > MAX_NAME_BYTES) {
            throw new IllegalArgumentException(
                    "the name of box '" + name + "' is longer than " + MAX_NAME_BYTES + " bytes");
        }
        return ByteBuffer.allocate(PAGE_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(MAGIC)
                .putInt(VERSION)
                .putInt(generation)
                .putLong(run.high())
                .putLong(run.low())
                .putLong(byteLength)
                .putInt(owner.rank())
                .putInt(nameBytes.length)
                .put(nameBytes)
                .clear();
    }

    /** Maps a box of a peer; null if it is not there yet. */
    @Nullable Mapping attach(Path file, Member owner, String name, long byteLength) throws IOException {
        try {
            RunDirectory.checkPrivate(Objects.requireNonNull(file.getParent(), name));
            return attachChecked(file, owner, name, byteLength);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private Mapping attachChecked(Path file, Member owner, String name, long byteLength) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            checkLabel(channel, label(owner, name, byteLength), owner, name, byteLength);
            return map(channel, regionName(owner, name), byteLength);
        }
    }

    private static void checkLabel(FileChannel channel, ByteBuffer expected, Member owner, String name, long byteLength)
            throws IOException {
        ByteBuffer found = ByteBuffer.allocate(PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        long labelAt = channel.size() - PAGE_BYTES;
        while (labelAt >= 0 && found.hasRemaining() && channel.read(found, labelAt + found.position()) > 0) {
            // A read may return less than requested.
        }
        found.clear();
        if (found.getLong(0) != MAGIC || found.getInt(8) != VERSION) {
            throw new IOException(
                    "the file of box '" + name + "' of " + owner + " does not hold a box of this version of Gyre");
        }
        if (found.getLong(32) != byteLength) {
            throw new DisagreementException(
                    "box '" + name + "' of " + owner + " has " + found.getLong(32) + " bytes, and " + byteLength
                            + " were expected. All ranks must run the same program with the same options.");
        }
        if (!found.equals(expected)) {
            throw new DisagreementException(
                    "the file of box '" + name + "' of " + owner + " belongs to another run, rank or box");
        }
        if (channel.size() != fileBytes(byteLength)) {
            throw new IOException("the file of box '" + name + "' of " + owner + " has " + channel.size()
                    + " bytes instead of " + fileBytes(byteLength));
        }
    }

    private static String regionName(Member owner, String name) {
        return "box '" + name + "' of rank " + owner.rank();
    }

    private static Mapping map(FileChannel channel, String name, long byteLength) throws IOException {
        List<ByteBuffer> windows = new ArrayList<>();
        // One window if possible: native code can then use the box as one array.
        int windowBytes = byteLength <= MAX_WINDOW_BYTES ? MAX_WINDOW_BYTES : 1 << 30;
        for (long at = 0; at < byteLength; at += windowBytes) {
            MappedByteBuffer window =
                    channel.map(FileChannel.MapMode.READ_WRITE, at, Math.min(windowBytes, byteLength - at));
            window.load();
            windows.add(window);
        }
        return new Mapping(Region.of(name, null, windows), windows);
    }

    /** A box in this process's memory. */
    record Mapping(Region region, List<ByteBuffer> windows) {

        /** Ends the region, then its mapping; fails if an operation is inside. Call it once. */
        void unmap() {
            region.close();
            windows.forEach(BufferUtil::free);
        }
    }
}
