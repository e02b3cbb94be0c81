package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.memory.Region;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class PackedRowsTest {

    private static MultiDataSet sent(MultiDataSet batch, long from, long to) {
        Region bytes = Region.allocate("bytes", PackedRows.length(batch, to - from));
        PackedRows.write(batch, from, to, bytes);
        return PackedRows.read(bytes);
    }

    private static MultiDataSet of(INDArray features, INDArray labels) {
        return new org.nd4j.linalg.dataset.MultiDataSet(features, labels);
    }

    private static INDArray numbers(DataType type, long... shape) {
        return TestData.gaussian(DataType.DOUBLE, 3, shape).muli(50).castTo(type);
    }

    @ParameterizedTest
    @EnumSource(
            value = DataType.class,
            names = {"UTF8", "COMPRESSED", "UNKNOWN"},
            mode = EnumSource.Mode.EXCLUDE)
    void valuesOfEveryTypeArriveUnchanged(DataType type) {
        INDArray features = numbers(type, 7, 3);
        INDArray labels = numbers(type, 7, 2, 5);

        MultiDataSet rows = sent(of(features, labels), 2, 6);

        assertThat(rows.getFeatures(0).dataType()).isEqualTo(type);
        assertThat(rows.getFeatures(0).shape()).containsExactly(4, 3);
        assertThat(Fingerprint.of(rows)).isEqualTo(Fingerprint.of(Rows.slice(of(features, labels), 2, 6)));
    }

    @Test
    void viewsAndTransposedArraysArriveAsTheirValues() {
        INDArray columnMajor = numbers(DataType.FLOAT, 6, 4).dup('f');
        INDArray view = numbers(DataType.FLOAT, 9, 8).get(NDArrayIndex.interval(2, 8), NDArrayIndex.interval(1, 4));

        MultiDataSet batch = of(columnMajor, view);

        assertThat(Fingerprint.of(sent(batch, 1, 5))).isEqualTo(Fingerprint.of(Rows.slice(batch, 1, 5)));
        MultiDataSet transposed = of(numbers(DataType.FLOAT, 4, 6).permute(1, 0), numbers(DataType.INT32, 6));
        assertThat(Fingerprint.of(sent(transposed, 1, 3))).isEqualTo(Fingerprint.of(Rows.slice(transposed, 1, 3)));
    }

    @Test
    void absentArraysAndMasksStayAbsent() {
        INDArray[] features = {numbers(DataType.FLOAT, 5, 2), numbers(DataType.INT32, 5)};
        INDArray[] labels = {null, numbers(DataType.FLOAT, 5, 1)};
        INDArray[] featuresMasks = {null, numbers(DataType.BOOL, 5, 3)};
        MultiDataSet batch = new org.nd4j.linalg.dataset.MultiDataSet(features, labels, featuresMasks, null);

        MultiDataSet rows = sent(batch, 3, 5);

        assertThat(rows.getLabels(0)).isNull();
        assertThat(rows.getFeaturesMaskArray(0)).isNull();
        assertThat(rows.getLabelsMaskArrays()).isNull();
        assertThat(rows.getFeatures(1).shape()).containsExactly(2);
        assertThat(Fingerprint.of(rows)).isEqualTo(Fingerprint.of(Rows.slice(batch, 3, 5)));
    }

    @Test
    void theRowsOfAllRanksAreTheBatch() {
        Random random = new Random(1);
        for (int trial = 0; trial < 20; trial++) {
            int rows = 1 + random.nextInt(9);
            INDArray features = numbers(DataType.FLOAT, rows, 1 + random.nextInt(4), 1 + random.nextInt(4));
            int cut = random.nextInt(rows);
            INDArray first =
                    cut == 0 ? null : sent(of(features, features), 0, cut).getFeatures(0);
            INDArray rest = sent(of(features, features), cut, rows).getFeatures(0);

            Bound.assertIdentical(first == null ? rest : Nd4j.concat(0, first, rest), features);
        }
    }

    @Test
    void textIsRefused() {
        INDArray text = Nd4j.create("a", "b");

        assertThatThrownBy(() -> PackedRows.length(of(text, text), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("an array of type UTF8 cannot be sent");
    }
}
