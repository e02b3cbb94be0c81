package io.gyre.samples.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/**
 * One file of the MNIST format, checked: bytes in one dimension (labels) or in three (images). Numbers in the header
 * are big-endian; the file may be compressed.
 *
 * @see <a href="http://yann.lecun.com/exdb/mnist/">LeCun, Cortes and Burges, The MNIST database of handwritten
 *     digits</a>
 */
final class IdxFile {

    /** Two zero bytes, 8 for unsigned bytes, the number of dimensions. */
    private static final int MAGIC = 0x0800;

    private static final int LABEL_DIMENSIONS = 1;
    private static final int IMAGE_DIMENSIONS = 3;
    private static final long MAX_BYTES = Integer.MAX_VALUE - 8;

    private final Path path;
    private final int count;
    private final int rows;
    private final int columns;
    private final byte[] bytes;

    private IdxFile(Path path, int count, int rows, int columns, byte[] bytes) {
        this.path = path;
        this.count = count;
        this.rows = rows;
        this.columns = columns;
        this.bytes = bytes;
    }

    /** Finds {@code prefix-images} in any of its spellings. */
    static Optional<Path> findImages(Path directory, String prefix) {
        return find(directory, prefix + "images", IMAGE_DIMENSIONS);
    }

    /** Finds {@code prefix-labels} in any of its spellings. */
    static Optional<Path> findLabels(Path directory, String prefix) {
        return find(directory, prefix + "labels", LABEL_DIMENSIONS);
    }

    private static Optional<Path> find(Path directory, String name, int dimensions) {
        for (String separator : new String[] {"-", "."}) {
            for (String packed : new String[] {"", ".gz"}) {
                Path file = directory.resolve(name + separator + "idx" + dimensions + "-ubyte" + packed);
                if (Files.exists(file)) {
                    return Optional.of(file);
                }
            }
        }
        return Optional.empty();
    }

    static IdxFile images(Path file) {
        return read(file, IMAGE_DIMENSIONS, "images");
    }

    static IdxFile labels(Path file) {
        return read(file, LABEL_DIMENSIONS, "labels");
    }

    private static IdxFile read(Path file, int dimensions, String content) {
        try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
                DataInputStream in =
                        new DataInputStream(file.toString().endsWith(".gz") ? new GZIPInputStream(raw) : raw)) {
            int magic = in.readInt();
            if (magic != MAGIC + dimensions) {
                throw new BadDataException("%s is no IDX file of %s: it begins with 0x%08x, expected 0x%08x"
                        .formatted(file, content, magic, MAGIC + dimensions));
            }
            int count = in.readInt();
            int rows = dimensions == IMAGE_DIMENSIONS ? in.readInt() : 1;
            int columns = dimensions == IMAGE_DIMENSIONS ? in.readInt() : 1;
            String announced = count + " " + content + (dimensions == 1 ? "" : " of " + rows + "x" + columns);
            return new IdxFile(
                    file,
                    count,
                    rows,
                    columns,
                    body(in, file, announced, bytes(file, announced, count, rows, columns)));
        } catch (EOFException e) {
            throw new BadDataException(
                    file + " is cut off: it ends before its IDX header or its compressed data do", e);
        } catch (IOException e) {
            throw new BadDataException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private static int bytes(Path file, String announced, int count, int rows, int columns) {
        // Three factors below 2^31 may overflow a long; two may not.
        boolean plausible = count > 0 && rows > 0 && columns > 0 && (long) rows * columns <= MAX_BYTES / count;
        if (!plausible) {
            throw new BadDataException(
                    file + " is damaged: its header announces " + announced + ", expected 1 byte to 2 GB of them");
        }
        return count * rows * columns;
    }

    private static byte[] body(InputStream in, Path file, String announced, int expected) throws IOException {
        // Grows as it reads: a damaged header cannot make it allocate more memory than the file has bytes.
        int most = (int) Math.min(expected, HeapRoom.bytes());
        byte[] bytes = in.readNBytes(most);
        if (bytes.length == most) {
            HeapRoom.check(file.toString(), announced, expected);
        }
        if (bytes.length < expected) {
            throw new BadDataException(file + " is cut off: its header announces " + announced + ", " + expected
                    + " bytes, and " + bytes.length + " follow");
        }
        if (in.read() >= 0) {
            throw new BadDataException(file + " is damaged: more than the " + expected
                    + " bytes follow that its header announces, " + announced);
        }
        return bytes;
    }

    /** The file that was read. */
    Path path() {
        return path;
    }

    /** Number of images or labels. */
    int count() {
        return count;
    }

    /** Rows of an image; 1 for labels. */
    int rows() {
        return rows;
    }

    /** Columns of an image; 1 for labels. */
    int columns() {
        return columns;
    }

    /** The byte at {@code index}, 0 to 255. */
    int at(int index) {
        return bytes[index] & 0xFF;
    }
}
