package io.gyre.spark;

import io.gyre.spark.Columns.ImageSize;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * A column of images: bytes of image files, or what Spark's image data source makes of them.
 *
 * @param index in the row
 * @param size to which they are scaled
 * @param struct where Spark's image data source has what an image consists of; null for bytes
 */
record ImageColumn(String name, int index, ImageSize size, ImageColumn.@Nullable Struct struct)
        implements Serializable {

    /** A small file may claim to be large: of more pixels than this, none are allocated. */
    private static final long MAX_PIXELS = 1L << 26;

    /**
     * An image of Spark's image data source: indexes of its fields, of which there are more.
     *
     * @param data rows of pixels, each blue, green, red
     */
    record Struct(int height, int width, int channels, int data) implements Serializable {

        static @Nullable Struct of(DataType type) {
            if (!(type instanceof StructType fields)) {
                return null;
            }
            List<String> names = List.of(fields.fieldNames());
            Struct struct = new Struct(
                    names.indexOf("height"), names.indexOf("width"), names.indexOf("nChannels"), names.indexOf("data"));
            return Math.min(Math.min(struct.height, struct.width), Math.min(struct.channels, struct.data)) < 0
                    ? null
                    : struct;
        }
    }

    /**
     * Finds a column.
     *
     * @throws IllegalArgumentException with the columns there are, or the type
     */
    static ImageColumn of(String name, ImageSize size, StructType schema) {
        int index = NumberColumn.indexOf(name, schema);
        DataType type = schema.apply(index).dataType();
        Struct struct = Struct.of(type);
        if (struct == null && !(type instanceof BinaryType)) {
            throw new IllegalArgumentException("column " + name + " is of type " + type.simpleString()
                    + ": expected bytes of image files, or an image of Spark's image data source");
        }
        return new ImageColumn(name, index, size, struct);
    }

    /**
     * Reads an image: channel by channel, row by row, from 0 to 1.
     *
     * @throws IllegalArgumentException with the column and the reason, if it cannot be read
     */
    float[] read(Row row) {
        Object value = row.get(index);
        try {
            BufferedImage image = value instanceof byte[] bytes
                    ? decode(bytes)
                    : value instanceof Row fields && struct != null ? fromStruct(fields, struct) : missing(value);
            return pixels(scaled(image));
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "column " + name + " is no image that can be read: " + e.getMessage(), e);
        }
    }

    private static BufferedImage missing(@Nullable Object value) throws IOException {
        throw new IOException("it is " + value);
    }

    private static BufferedImage decode(byte[] bytes) throws IOException {
        try (ImageInputStream in = ImageIO.createImageInputStream(new ByteArrayInputStream(bytes))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new IOException(bytes.length + " bytes of no known format");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, true, true);
                checkSize(reader.getWidth(0), reader.getHeight(0));
                BufferedImage image = reader.read(0);
                return isGrey(image) ? withEqualChannels(image.getRaster()) : image;
            } catch (RuntimeException e) {
                // The readers of the JDK throw what they meet in a damaged file.
                throw new IOException("it is damaged: " + e, e);
            } finally {
                reader.dispose();
            }
        }
    }

    private static boolean isGrey(BufferedImage image) {
        return image.getRaster().getNumBands() == 1
                && image.getSampleModel().getSampleSize(0) == 8
                && !(image.getColorModel() instanceof IndexColorModel);
    }

    /** Java takes grey values for linear light, and would make them lighter. */
    private static BufferedImage withEqualChannels(Raster grey) {
        BufferedImage image = new BufferedImage(grey.getWidth(), grey.getHeight(), BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < grey.getHeight(); y++) {
            for (int x = 0; x < grey.getWidth(); x++) {
                image.setRGB(x, y, 0x01_01_01 * grey.getSample(x + grey.getMinX(), y + grey.getMinY(), 0));
            }
        }
        return image;
    }

    private static void checkSize(long width, long height) throws IOException {
        if (width < 1 || height < 1 || width * height > MAX_PIXELS) {
            throw new IOException(
                    "it has " + width + " x " + height + " pixels, and at most " + MAX_PIXELS + " can be read");
        }
    }

    private static BufferedImage fromStruct(Row fields, Struct struct) throws IOException {
        int height = fields.getInt(struct.height());
        int width = fields.getInt(struct.width());
        int channels = fields.getInt(struct.channels());
        byte[] data = (byte[]) fields.get(struct.data());
        checkSize(width, height);
        if (data.length != (long) width * height * channels) {
            throw new IOException("it has " + data.length + " bytes for " + width + " x " + height + " pixels of "
                    + channels + " channels");
        }
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            int at = i * channels;
            int blue = data[at] & 0xFF;
            int green = channels < 3 ? blue : data[at + 1] & 0xFF;
            int red = channels < 3 ? blue : data[at + 2] & 0xFF;
            image.setRGB(i % width, i / width, red << 16 | green << 8 | blue);
        }
        return image;
    }

    private BufferedImage scaled(BufferedImage image) {
        if (image.getWidth() == size.width() && image.getHeight() == size.height()) {
            return image;
        }
        BufferedImage scaled = new BufferedImage(size.width(), size.height(), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = scaled.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        graphics.drawImage(image, 0, 0, size.width(), size.height(), null);
        graphics.dispose();
        return scaled;
    }

    private float[] pixels(BufferedImage image) {
        int area = size.height() * size.width();
        float[] values = new float[size.channels() * area];
        for (int i = 0; i < area; i++) {
            int rgb = image.getRGB(i % size.width(), i / size.width());
            int red = rgb >> 16 & 0xFF;
            int green = rgb >> 8 & 0xFF;
            int blue = rgb & 0xFF;
            if (size.channels() == 1) {
                values[i] = (red + green + blue) / (3 * 255f);
            } else {
                values[i] = red / 255f;
                values[area + i] = green / 255f;
                values[2 * area + i] = blue / 255f;
            }
        }
        return values;
    }
}
