package io.gyre.samples.data;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.jspecify.annotations.Nullable;

/** Decodes an image file, which may be damaged in any way: however a decoder fails, the error names the file. */
final class ImageFile {

    /** Larger than any camera's. */
    private static final long MAX_PIXELS = 200_000_000;

    /** Memory per pixel of the decoder and of our copy: three or four bytes each. */
    private static final int BYTES_PER_PIXEL = 8;

    private ImageFile() {}

    /**
     * The middle square of an image.
     *
     * @param colours of its pixels, row by row, as in {@link BufferedImage#getRGB(int, int)}
     * @param side of the square, in pixels
     */
    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    record Square(int[] colours, int side) {}

    /**
     * Decodes the largest square in the middle of an image.
     *
     * @throws BadDataException if the file cannot be read, is damaged, or holds an image that is too large for this JVM
     */
    static Square middleSquare(Path file) {
        try (InputStream raw = Files.newInputStream(file);
                ImageInputStream in = new MemoryCacheImageInputStream(raw)) {
            return decode(file, in);
        } catch (BadDataException e) {
            throw e;
        } catch (FileSystemException e) {
            String reason = e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
            throw new BadDataException("cannot read the image " + file + ": " + reason, e);
        } catch (IOException e) {
            throw damaged(file, reason(e), e);
        } catch (RuntimeException e) {
            // The JDK's decoders throw whatever their arithmetic leads to: IllegalArgument, NegativeArraySize,
            // IndexOutOfBounds...
            throw damaged(file, e.toString(), e);
        } catch (OutOfMemoryError e) {
            // Caused by header fields other than the size, such as the length of a palette.
            throw damaged(file, "its decoder takes more memory than this JVM has (" + e.getMessage() + ")", e);
        }
    }

    private static Square decode(Path file, ImageInputStream in) throws IOException {
        Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
        if (!readers.hasNext()) {
            throw damaged(file, "its content is no " + String.join(", ", ImageFolder.ENDINGS), null);
        }
        ImageReader reader = readers.next();
        try {
            reader.setInput(in, true, true);
            checkSize(file, reader.getWidth(0), reader.getHeight(0));
            Truncation truncation = new Truncation();
            reader.addIIOReadWarningListener(truncation);
            BufferedImage image = reader.read(0);
            if (truncation.warning != null) {
                throw damaged(file, truncation.warning, null);
            }
            int side = Math.min(image.getWidth(), image.getHeight());
            int left = (image.getWidth() - side) / 2;
            int top = (image.getHeight() - side) / 2;
            return new Square(image.getRGB(left, top, side, side, null, 0, side), side);
        } finally {
            reader.dispose();
        }
    }

    /** Before anything of that size is allocated: a small file can claim an image size that exhausts memory. */
    private static void checkSize(Path file, int width, int height) {
        if (width <= 0 || height <= 0) {
            throw damaged(file, "it claims to be " + width + " by " + height + " pixels", null);
        }
        long pixels = (long) width * height;
        if (pixels > MAX_PIXELS) {
            throw damaged(file, pixels + " pixels, expected at most " + MAX_PIXELS, null);
        }
        HeapRoom.check("the image " + file, width + " by " + height + " pixels", pixels * BYTES_PER_PIXEL);
    }

    private static BadDataException damaged(Path file, String how, @Nullable Throwable cause) {
        return new BadDataException(
                "cannot read the image " + file + ": " + how + ". Repair it, or take it out of its folder.", cause);
    }

    /** Without the full stop that some decoders end with. */
    private static String reason(IOException e) {
        return e.getMessage() == null ? e.toString() : e.getMessage().replaceAll("\\.+$", "");
    }

    /** Detects truncated JPEG files: the decoder paints the rest grey and only warns. */
    private static final class Truncation implements IIOReadWarningListener {
        private @Nullable String warning;

        @Override
        public void warningOccurred(ImageReader source, String text) {
            if (text.contains("premature end") || text.contains("Truncated")) {
                warning = text;
            }
        }
    }
}
