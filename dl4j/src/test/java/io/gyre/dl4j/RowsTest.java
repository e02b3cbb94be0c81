package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class RowsTest {

    private static final int ROWS = 6;

    private final MultiDataSet batch = new MultiDataSet(
            new INDArray[] {numbered(ROWS, 3), numbered(ROWS, 2, 4, 4)},
            new INDArray[] {numbered(ROWS, 2, 5)},
            new INDArray[] {null, numbered(ROWS, 4)},
            new INDArray[] {numbered(ROWS, 5)});

    private static INDArray numbered(long... shape) {
        int length = Math.toIntExact(LongStream.of(shape).reduce(1, Math::multiplyExact));
        return Nd4j.arange(length).castTo(DataType.FLOAT).reshape(shape);
    }

    @Test
    void aSliceHasTheSameRowsOfEveryArray() {
        org.nd4j.linalg.dataset.api.MultiDataSet slice = Rows.slice(batch, 2, 5);

        assertThat(Rows.count(slice)).isEqualTo(3);
        for (int row = 0; row < 3; row++) {
            assertRow(slice, row, row + 2);
        }
    }

    /** ND4J's own {@code get} finds no rows in most of these. */
    @Test
    void everyPartOfAViewIsFound() {
        INDArray whole = numbered(12, 8);
        for (int begin = 0; begin < 12; begin++) {
            INDArray view = whole.get(NDArrayIndex.interval(begin, 12), NDArrayIndex.interval(1, 4));
            for (int from = 0; from < 12 - begin; from++) {
                INDArray rows = Rows.rows(view, from, 12 - begin);
                assertThat(rows.shape()).containsExactly(12 - begin - from, 3);
                assertThat(rows.getDouble(0, 0)).isEqualTo((begin + from) * 8 + 1);
            }
        }
    }

    @Test
    void pickedRowsComeInTheOrderAskedFor() {
        int[] rows = {4, 0, 4, 3};

        org.nd4j.linalg.dataset.api.MultiDataSet picked = Rows.pick(batch, rows);

        assertThat(Rows.count(picked)).isEqualTo(rows.length);
        for (int row = 0; row < rows.length; row++) {
            assertRow(picked, row, rows[row]);
        }
    }

    @Test
    void rowsOfAnArrayInColumnOrderArePickedToo() {
        batch.setFeatures(0, numbered(ROWS, 3).dup('f'));

        assertRow(Rows.pick(batch, new int[] {5, 1}), 1, 1);
    }

    @Test
    void aMaskThatIsMissingStaysMissing() {
        assertThat(Rows.slice(batch, 0, 1).getFeaturesMaskArray(0)).isNull();
    }

    @Test
    void arraysWithDifferentNumbersOfRowsCannotBeDivided() {
        batch.setFeatures(1, numbered(ROWS + 1, 2));

        assertThatThrownBy(() -> Rows.slice(batch, 0, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("features 0 has 6")
                .hasMessageContaining("features 1 has shape [7, 2]");
        assertThat(Rows.slice(batch, 0, ROWS)).as("a batch that stays whole").isSameAs(batch);
    }

    private void assertRow(org.nd4j.linalg.dataset.api.MultiDataSet actual, int row, int expectedRow) {
        assertThat(row(actual.getFeatures(0), row)).isEqualTo(row(numbered(ROWS, 3), expectedRow));
        assertThat(row(actual.getFeatures(1), row)).isEqualTo(row(batch.getFeatures(1), expectedRow));
        assertThat(row(actual.getLabels(0), row)).isEqualTo(row(batch.getLabels(0), expectedRow));
        assertThat(row(actual.getFeaturesMaskArray(1), row)).isEqualTo(row(batch.getFeaturesMaskArray(1), expectedRow));
        assertThat(row(actual.getLabelsMaskArray(0), row)).isEqualTo(row(batch.getLabelsMaskArray(0), expectedRow));
    }

    private static double[] row(INDArray array, int row) {
        return array.slice(row).dup('c').ravel().toDoubleVector();
    }
}
