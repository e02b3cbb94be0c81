package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class FingerprintTest {

    private static long of(INDArray features) {
        return Fingerprint.of(new MultiDataSet(features, Nd4j.ones(DataType.FLOAT, 2, 2)));
    }

    private static INDArray numbered(int rows, int columns) {
        return Nd4j.arange((double) rows * columns).castTo(DataType.FLOAT).reshape(rows, columns);
    }

    @Test
    void theLayoutInMemoryDoesNotMatter() {
        INDArray rows = numbered(2, 5);
        INDArray large = numbered(8, 10);
        INDArray part = large.get(NDArrayIndex.interval(3, 5), NDArrayIndex.interval(2, 7));

        assertThat(of(rows.dup('f'))).isEqualTo(of(rows));
        assertThat(of(part)).isEqualTo(of(part.dup('c')));
        assertThat(of(large.get(NDArrayIndex.interval(3, 5), NDArrayIndex.all())))
                .isEqualTo(of(large.get(NDArrayIndex.interval(3, 5), NDArrayIndex.all())
                        .dup('c')))
                .isNotEqualTo(of(large.get(NDArrayIndex.interval(4, 6), NDArrayIndex.all())));
    }

    @Test
    void valuesShapesAndTypesDo() {
        INDArray rows = numbered(2, 6);
        INDArray other = rows.dup();
        other.putScalar(1, 5, Math.nextUp(other.getFloat(1, 5)));

        assertThat(of(other)).isNotEqualTo(of(rows));
        assertThat(of(rows.reshape(3, 4))).isNotEqualTo(of(rows));
        assertThat(of(Nd4j.zeros(DataType.FLOAT, 2, 2))).isNotEqualTo(of(Nd4j.zeros(DataType.INT32, 2, 2)));
    }

    @Test
    void everyArrayOfABatchCounts() {
        INDArray features = numbered(2, 3);
        INDArray labels = numbered(2, 4);
        INDArray mask = Nd4j.ones(DataType.FLOAT, 2, 1);

        assertThat(new long[] {
                    Fingerprint.of(new MultiDataSet(features, labels)),
                    Fingerprint.of(new MultiDataSet(labels, features)),
                    Fingerprint.of(new MultiDataSet(features, labels, mask, null)),
                    Fingerprint.of(new MultiDataSet(features, labels, null, mask)),
                    Fingerprint.of(new MultiDataSet(features, null)),
                })
                .doesNotHaveDuplicates();
    }

    @Test
    void whoCannotTellAgreesWithAnybodyWhoReadsInTheSameOrder() {
        long value = Fingerprint.value(77);

        assertThat(Fingerprint.agree(Fingerprint.of(5, value), Fingerprint.of(5, 0)))
                .isTrue();
        assertThat(Fingerprint.agree(Fingerprint.of(5, value), Fingerprint.of(6, 0)))
                .isFalse();
        assertThat(Fingerprint.agree(Fingerprint.of(5, value), Fingerprint.of(5, value + 1)))
                .isFalse();
        assertThat(Fingerprint.value(0)).isNotZero();
    }
}
