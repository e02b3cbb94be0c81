package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import javax.imageio.ImageIO;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import scala.jdk.javaapi.CollectionConverters;

class RowBatchesTest {

    private static final StructType IMAGES =
            new StructType().add("image", DataTypes.BinaryType).add("class", DataTypes.LongType);

    private static final StructType SPARK_IMAGES = new StructType()
            .add(
                    "image",
                    new StructType()
                            .add("height", DataTypes.IntegerType)
                            .add("width", DataTypes.IntegerType)
                            .add("nChannels", DataTypes.IntegerType)
                            .add("data", DataTypes.BinaryType))
            .add("class", DataTypes.LongType);

    private static Iterator<MultiDataSet> batches(Columns columns, StructType schema, Row... rows) {
        return new RowBatches(columns, schema, 2).apply(Arrays.asList(rows).iterator(), 3);
    }

    @Test
    void numbersArraysAndVectorsMakeOneRow() {
        StructType schema = new StructType()
                .add("number", DataTypes.LongType)
                .add("flag", DataTypes.BooleanType)
                .add("array", DataTypes.createArrayType(DataTypes.DoubleType))
                .add("vector", DataTypes.createArrayType(DataTypes.DoubleType))
                .add("price", DataTypes.DoubleType);
        Row row =
                RowFactory.create(7L, true, CollectionConverters.asScala(List.of(0.25, 0.5)), Vectors.dense(1, 2), 9.0);

        MultiDataSet batch = batches(
                        Columns.features("vector", "number", "array", "flag").labels("price"), schema, row)
                .next();

        assertThat(batch.getFeatures(0).toFloatMatrix()).isDeepEqualTo(new float[][] {{1, 2, 7, 0.25f, 0.5f, 1}});
        assertThat(batch.getLabels(0).toFloatMatrix()).isDeepEqualTo(new float[][] {{9}});
    }

    @Test
    void batchesAreFilledAndTheLastHasTheRest() {
        Row row = RowFactory.create(1.0, 1.0);
        StructType schema = new StructType().add("x", DataTypes.DoubleType).add("y", DataTypes.DoubleType);

        Iterator<MultiDataSet> batches = batches(Columns.features("x").labels("y"), schema, row, row, row);

        assertThat(batches.next().getFeatures(0).shape()).containsExactly(2, 1);
        assertThat(batches.next().getFeatures(0).shape()).containsExactly(1, 1);
        assertThat(batches).isExhausted();
    }

    @Test
    void aRowOfAnotherLengthIsNamed() {
        StructType schema = new StructType()
                .add("x", DataTypes.createArrayType(DataTypes.DoubleType))
                .add("y", DataTypes.DoubleType);
        Row two = RowFactory.create(CollectionConverters.asScala(List.of(1.0, 2.0)), 1.0);
        Row one = RowFactory.create(CollectionConverters.asScala(List.of(1.0)), 1.0);

        assertThatThrownBy(batches(Columns.features("x").labels("y"), schema, two, one)::next)
                .isInstanceOf(GyreException.class)
                .hasMessage("row 1 of partition 3: it has 1 numbers as features, and those before it have 2");
    }

    private static byte[] png(int type, int... rgb) throws IOException {
        BufferedImage image = new BufferedImage(2, rgb.length / 2, type);
        for (int i = 0; i < rgb.length; i++) {
            if (type == BufferedImage.TYPE_BYTE_GRAY) {
                image.getRaster().setSample(i % 2, i / 2, 0, rgb[i] & 0xFF);
            } else {
                image.setRGB(i % 2, i / 2, rgb[i]);
            }
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(ImageIO.write(image, "png", out)).isTrue();
        return out.toByteArray();
    }

    @Test
    void coloursAreChannels() throws Exception {
        byte[] file = png(BufferedImage.TYPE_INT_RGB, 0xFF0000, 0x00FF00, 0x0000FF, 0x333333);

        INDArray pixels = batches(
                        Columns.image("image", 2, 2, 3).label("class", 4), IMAGES, RowFactory.create(file, 3L))
                .next()
                .getFeatures(0);

        assertThat(pixels.shape()).containsExactly(1, 3, 2, 2);
        assertThat(pixels.data().asFloat()).containsExactly(1, 0, 0, 0.2f, 0, 1, 0, 0.2f, 0, 0, 1, 0.2f);
    }

    @Test
    void greyValuesAreThoseOfTheFile() throws Exception {
        byte[] file = png(BufferedImage.TYPE_BYTE_GRAY, 0, 51, 102, 255);

        MultiDataSet batch = batches(
                        Columns.image("image", 2, 2, 1).label("class", 4), IMAGES, RowFactory.create(file, 3L))
                .next();

        assertThat(batch.getFeatures(0).data().asFloat()).containsExactly(0, 0.2f, 0.4f, 1);
        assertThat(batch.getLabels(0).toFloatMatrix()).isDeepEqualTo(new float[][] {{0, 0, 0, 1}});
    }

    @Test
    void sparksOwnImagesAreRead() {
        Row image = RowFactory.create(1, 2, 3, new byte[] {0, 0, (byte) 255, 51, 51, 51});

        INDArray pixels = batches(
                        Columns.image("image", 1, 2, 3).label("class", 2), SPARK_IMAGES, RowFactory.create(image, 1L))
                .next()
                .getFeatures(0);

        assertThat(pixels.data().asFloat()).containsExactly(1, 0.2f, 0, 0.2f, 0, 0.2f);
    }

    @Test
    void imagesThatCannotBeReadAreNamed() throws Exception {
        byte[] file = png(BufferedImage.TYPE_INT_RGB, 0xFF0000, 0x00FF00, 0x0000FF, 0x333333);
        Columns columns = Columns.image("image", 2, 2, 3).label("class", 4);

        for (byte[] damaged : List.of(new byte[0], new byte[] {1, 2, 3}, Arrays.copyOf(file, file.length / 2))) {
            assertThatThrownBy(batches(columns, IMAGES, RowFactory.create(damaged, 3L))::next)
                    .isInstanceOf(GyreException.class)
                    .hasMessageStartingWith("row 0 of partition 3: column image is no image that can be read: ");
        }
        assertThatThrownBy(batches(columns, IMAGES, RowFactory.create(null, 3L))::next)
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("it is null");
    }

    @Test
    void anImageThatClaimsTooManyPixelsIsNotAllocated() {
        Row image = RowFactory.create(1 << 20, 1 << 20, 3, new byte[6]);

        assertThatThrownBy(
                        batches(
                                Columns.image("image", 1, 2, 3).label("class", 2),
                                SPARK_IMAGES,
                                RowFactory.create(image, 1L))::next)
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("1048576 x 1048576 pixels");
    }
}
