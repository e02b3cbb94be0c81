package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint on disk: named parts, each with its checksum.
 *
 * <pre>
 * file = magic (8 bytes), version (4), number of parts (4), parts
 * part = length of name (4), length of content (8), name (UTF-8), content, CRC32C of all of these (4)
 * </pre>
 *
 * <p>Numbers are little-endian, and so are the contents, as on every processor that ND4J runs on. The whole file is
 * verified before anything is taken from it; no length in it is trusted before it is compared with the file's.
 */
final class CheckpointFile implements AutoCloseable {

    private static final long MAGIC = ByteBuffer.wrap("GYRECKPT".getBytes(StandardCharsets.US_ASCII))
            .order(ByteOrder.LITTLE_ENDIAN)
            .getLong();
    private static final int VERSION = 2;
    private static final int HEADER_BYTES = 16;
    private static final int PART_HEADER_BYTES = 12;
    private static final int CRC_BYTES = 4;
    private static final int MAX_PARTS = 1 << 20;
    private static final int MAX_NAME_BYTES = 64;
    private static final int MAX_TEXT_BYTES = 64 << 20;
    private static final int BUFFER_BYTES = 1 << 20;

    private static final String PROGRESS = "progress";
    private static final String SEED = "seed";
    private static final String LAYOUT = "layout";
    private static final String CONFIGURATION = "configuration";
    private static final String STATE_CHECKSUM = "checksum of the state";
    private static final String STATE = "state ";

    private final FileChannel channel;
    private final Map<String, Content> contents = new LinkedHashMap<>();

    private record Content(long offset, long length) {}

    private CheckpointFile(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Writes all of a checkpoint.
     *
     * @throws IOException if it cannot be written
     * @throws GyreException if it was written, but its state is not the one that ranks have agreed on
     */
    static void write(Checkpoint checkpoint, FileChannel channel) throws IOException {
        Map<String, List<ByteBuffer>> parts = new LinkedHashMap<>();
        parts.put(PROGRESS, text(checkpoint.progress().text()));
        parts.put(SEED, text(String.valueOf(checkpoint.seed())));
        parts.put(LAYOUT, text(checkpoint.layout()));
        parts.put(CONFIGURATION, text(checkpoint.configuration()));
        parts.put(STATE_CHECKSUM, text(checkpoint.stateChecksum()));
        for (int i = 0; i < checkpoint.state().size(); i++) {
            parts.put(STATE + i, Checksums.windows(checkpoint.state().get(i)));
        }
        writeFully(
                channel,
                buffer(HEADER_BYTES)
                        .putLong(MAGIC)
                        .putInt(VERSION)
                        .putInt(parts.size() + checkpoint.more().size())
                        .flip());
        CRC32C ofState = new CRC32C();
        for (Map.Entry<String, List<ByteBuffer>> part : parts.entrySet()) {
            if (part.getKey().startsWith(STATE)) {
                part.getValue().forEach(window -> ofState.update(window.duplicate()));
            }
            writePart(part.getKey(), part.getValue(), channel);
        }
        for (Checkpoint.Part part : checkpoint.more()) {
            writePart(part.name(), part.content().get(), channel);
        }
        String written = Checksums.shown(ofState.getValue());
        if (!written.equals(checkpoint.stateChecksum())) {
            throw new GyreException("the checkpoint of step "
                    + checkpoint.progress().step()
                    + " is not kept: all ranks have agreed on the checksum " + checkpoint.stateChecksum()
                    + ", and what rank 0 has written has " + written
                    + ". A thread of its program changes the model, or the memory of its host is bad: resume from the"
                    + " checkpoint before");
        }
    }

    private static List<ByteBuffer> text(String text) {
        return List.of(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static void writePart(String name, List<ByteBuffer> content, FileChannel channel) throws IOException {
        CRC32C crc = new CRC32C();
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        long length = content.stream().mapToLong(ByteBuffer::remaining).sum();
        List<ByteBuffer> all = new ArrayList<>();
        all.add(buffer(PART_HEADER_BYTES)
                .putInt(nameBytes.length)
                .putLong(length)
                .flip());
        all.add(ByteBuffer.wrap(nameBytes));
        all.addAll(content);
        for (ByteBuffer piece : all) {
            crc.update(piece.duplicate());
            writeFully(channel, piece);
        }
        writeFully(channel, buffer(CRC_BYTES).putInt((int) crc.getValue()).flip());
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /**
     * Opens a file and checks all of it.
     *
     * @throws DamagedException if it is not a complete and unchanged checkpoint
     */
    static CheckpointFile open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            CheckpointFile file = new CheckpointFile(channel);
            file.check();
            return file;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private void check() throws IOException {
        long fileLength = channel.size();
        ByteBuffer header = read(0, HEADER_BYTES, fileLength);
        if (header.getLong() != MAGIC) {
            throw new DamagedException("it does not begin like a checkpoint");
        }
        int version = header.getInt();
        if (version != VERSION) {
            throw new DamagedException("its format has version " + version + "; this program reads version " + VERSION);
        }
        int parts = header.getInt();
        if (parts < 0 || parts > MAX_PARTS) {
            throw new DamagedException("it claims to have " + parts + " parts");
        }
        long at = HEADER_BYTES;
        for (int i = 0; i < parts; i++) {
            at = checkPart(at, fileLength);
        }
        if (at != fileLength) {
            throw new DamagedException((fileLength - at) + " bytes follow its end");
        }
        for (String name : List.of(PROGRESS, SEED, LAYOUT, CONFIGURATION, STATE_CHECKSUM, STATE + 0)) {
            if (!contents.containsKey(name)) {
                throw new DamagedException("it has no part '" + name + "'");
            }
        }
        seed();
        progress();
        cut();
        localRanks();
        checkState();
    }

    /** Every part may be intact, and yet not be what ranks have agreed on. */
    private void checkState() throws IOException {
        CRC32C crc = new CRC32C();
        for (int i = 0; contents.containsKey(STATE + i); i++) {
            Content content = content(STATE + i);
            update(crc, content.offset(), content.offset() + content.length());
        }
        String found = Checksums.shown(crc.getValue());
        if (!found.equals(stateChecksum())) {
            throw new DamagedException("its state has the checksum " + found + ", and should have " + stateChecksum());
        }
    }

    /** Returns where the next part begins. */
    private long checkPart(long at, long fileLength) throws IOException {
        ByteBuffer header = read(at, PART_HEADER_BYTES, fileLength);
        int nameLength = header.getInt();
        long contentLength = header.getLong();
        long rest = fileLength - at - PART_HEADER_BYTES - CRC_BYTES;
        if (nameLength < 0 || nameLength > MAX_NAME_BYTES || contentLength < 0 || contentLength > rest - nameLength) {
            throw new DamagedException("a part of " + contentLength + " bytes at byte " + at + " does not fit into its "
                    + fileLength + " bytes");
        }
        ByteBuffer name = read(at + PART_HEADER_BYTES, nameLength, fileLength);
        long contentAt = at + PART_HEADER_BYTES + nameLength;
        long end = contentAt + contentLength;
        if (crc(at, end) != read(end, CRC_BYTES, fileLength).getInt()) {
            throw new DamagedException("the checksum of the part at byte " + at + " is wrong");
        }
        String text = StandardCharsets.UTF_8.decode(name).toString();
        if (contents.put(text, new Content(contentAt, contentLength)) != null) {
            throw new DamagedException("it has two parts '" + text + "'");
        }
        return end + CRC_BYTES;
    }

    private int crc(long from, long to) throws IOException {
        CRC32C crc = new CRC32C();
        update(crc, from, to);
        return (int) crc.getValue();
    }

    private void update(CRC32C crc, long from, long to) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(BUFFER_BYTES, to - from));
        for (long at = from; at < to; ) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), to - at));
            at += readFully(buffer, at);
            crc.update(buffer.flip());
        }
    }

    private ByteBuffer read(long at, int length, long fileLength) throws IOException {
        if (at + length > fileLength) {
            throw new DamagedException("it ends after " + fileLength + " bytes, inside a part");
        }
        ByteBuffer bytes = buffer(length);
        readFully(bytes, at);
        return bytes.flip();
    }

    private int readFully(ByteBuffer bytes, long at) throws IOException {
        int start = bytes.position();
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, at + bytes.position() - start) < 0) {
                throw new EOFException("the file became shorter while it was read");
            }
        }
        return bytes.position() - start;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    Progress progress() throws IOException {
        try {
            return Progress.parse(text(content(PROGRESS)));
        } catch (GyreException e) {
            throw new DamagedException(String.valueOf(e.getMessage()));
        }
    }

    long seed() throws IOException {
        try {
            return Long.parseLong(text(content(SEED)));
        } catch (NumberFormatException e) {
            throw new DamagedException("its seed is no number of 64 bits");
        }
    }

    String layout() throws IOException {
        return text(content(LAYOUT));
    }

    String configuration() throws IOException {
        return text(content(CONFIGURATION));
    }

    /** Checksum of the state, on which all ranks agreed: see {@link Checksums#ofState}. */
    String stateChecksum() throws IOException {
        return text(content(STATE_CHECKSUM));
    }

    private Content content(String name) throws DamagedException {
        Content content = contents.get(name);
        if (content == null) {
            throw new DamagedException("it has no part '" + name + "'");
        }
        return content;
    }

    private String text(Content content) throws IOException {
        if (content.length() > MAX_TEXT_BYTES) {
            throw new DamagedException("a text of " + content.length() + " bytes");
        }
        ByteBuffer bytes = buffer((int) content.length());
        readFully(bytes, content.offset());
        return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
    }

    /** Fills the regions. They must have the lengths that were written: compare {@link #layout} first. */
    void readState(List<Region> state) throws IOException {
        for (int i = 0; i < state.size(); i++) {
            Content content = content(STATE + i);
            if (content.length() != state.get(i).byteLength()) {
                throw new DamagedException(STATE + i + " has " + content.length() + " bytes, and the model's "
                        + state.get(i).byteLength());
            }
            long at = content.offset();
            for (ByteBuffer window : Checksums.windows(state.get(i))) {
                at += readFully(window, at);
            }
        }
    }

    /** Whether it has a part of {@link Checkpoint#more}. */
    boolean has(String name) {
        return contents.containsKey(name);
    }

    /** A text of {@link Checkpoint#more}; empty if it has no such part. */
    String textOf(String name) throws IOException {
        return contents.containsKey(name) ? text(content(name)) : "";
    }

    /** What it has of ranks that were not in lockstep; null if they were. */
    @Nullable Cut cut() throws IOException {
        if (!contents.containsKey(Cut.PART)) {
            return null;
        }
        try {
            return Cut.parse(text(content(Cut.PART)));
        } catch (GyreException e) {
            throw new DamagedException(String.valueOf(e.getMessage()));
        }
    }

    /** What it has of ranks that had taken local steps; null if all replicas were equal. */
    @Nullable LocalRanks localRanks() throws IOException {
        if (!contents.containsKey(LocalRanks.PART)) {
            return null;
        }
        try {
            return LocalRanks.parse(text(content(LocalRanks.PART)));
        } catch (GyreException e) {
            throw new DamagedException(String.valueOf(e.getMessage()));
        }
    }

    /** Fills regions with a part of {@link Checkpoint#more}, which must be as long as they are together. */
    void read(String name, List<Region> into) throws IOException {
        Content content = content(name);
        long due = into.stream().mapToLong(Region::byteLength).sum();
        if (content.length() != due) {
            throw new DamagedException("its " + name + " has " + content.length() + " bytes, and not " + due);
        }
        long at = content.offset();
        for (Region region : into) {
            for (ByteBuffer window : Checksums.windows(region)) {
                at += readFully(window, at);
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** A file that is not an intact checkpoint: torn, changed, or something else. */
    static final class DamagedException extends IOException {
        DamagedException(String reason) {
            super(reason);
        }
    }
}
