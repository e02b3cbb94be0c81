package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;

class HostMemoryTest {

    @Test
    void aRegionIsTheArraysOwnMemory() {
        INDArray array = Nd4j.arange(10).castTo(DataType.FLOAT);
        Region region = HostMemory.region("numbers", array);

        region.putFloat(3 * Float.BYTES, 42);
        array.putScalar(4, 43);

        assertThat(region.byteLength()).isEqualTo(10 * Float.BYTES);
        assertThat(array.getFloat(3)).isEqualTo(42);
        assertThat(region.getFloat(4 * Float.BYTES)).isEqualTo(43);
    }

    @Test
    void aViewBeginsWhereItBegins() {
        INDArray view = Nd4j.arange(10).castTo(DataType.DOUBLE).get(NDArrayIndex.interval(6, 9));

        Region region = HostMemory.region("view", view);

        assertThat(region.byteLength()).isEqualTo(3 * Double.BYTES);
        assertThat(region.getDouble(0)).isEqualTo(6);
        assertThat(region.getDouble(2 * Double.BYTES)).isEqualTo(8);
    }

    @Test
    void longArraysAreRowsOfWindows() {
        INDArray array = Nd4j.arange(100).castTo(DataType.FLOAT);

        Region region = HostMemory.region("numbers", array, 64);

        assertThat(region.byteLength()).isEqualTo(400);
        for (int i = 0; i < 100; i++) {
            assertThat(region.getFloat((long) i * Float.BYTES)).isEqualTo(i);
        }
        region.putFloat(99 * Float.BYTES, -1);
        assertThat(array.getFloat(99)).isEqualTo(-1);
    }

    @Test
    @Tag("long") // Takes 2.4 GB of memory.
    void arraysBeyondTwoToThe31BytesAreReached() {
        long length = 600_000_000;
        try (INDArray array = Nd4j.create(DataType.FLOAT, length)) {
            Region region = HostMemory.region("numbers", array);

            region.putFloat((length - 1) * Float.BYTES, 5);
            array.putScalar(length - 2, 6);

            assertThat(region.byteLength()).isGreaterThan(1L << 31);
            assertThat(array.getFloat(length - 1)).isEqualTo(5);
            assertThat(region.getFloat((length - 2) * Float.BYTES)).isEqualTo(6);
        }
    }

    @Test
    void aModelsVectorsAreReachedWithoutACopy() {
        MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT));

        Replica replica = TestModels.replica(model, 1 << 20);
        replica.gradients().putFloat(0, 7);
        replica.state().get(0).putFloat(4, 8);
        replica.state().get(1).putFloat(8, 9);

        assertThat(replica.elementType()).isEqualTo(ElementType.FLOAT32);
        assertThat(model.getGradientsViewArray().getFloat(0)).isEqualTo(7);
        assertThat(model.params().getFloat(1)).isEqualTo(8);
        assertThat(model.updaterState().getFloat(2)).isEqualTo(9);
    }

    @Test
    void anArrayWithGapsIsRefused() {
        INDArray column = Nd4j.arange(12).castTo(DataType.FLOAT).reshape(3, 4).getColumn(1);

        assertThatThrownBy(() -> HostMemory.region("a column", column))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("a column is not contiguous in memory");
    }

    @Test
    void wholeNumbersAreRefused() {
        assertThatThrownBy(() -> HostMemory.elementType(Nd4j.arange(3).castTo(DataType.INT32)))
                .hasMessageContaining("INT")
                .hasMessageContaining("FLOAT and DOUBLE");
    }
}
