package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.testkit.ParserContract;
import java.nio.ByteBuffer;
import org.nd4j.linalg.dataset.api.MultiDataSet;

class PackedRowsFuzzTest {

    @FuzzTest
    void read(byte[] bytes) {
        Region source = Region.allocate("bytes", bytes.length);
        source.copyFrom(0, ByteBuffer.wrap(bytes), 0, bytes.length);

        MultiDataSet rows = ParserContract.parse(bytes.length, () -> PackedRows.read(source), ProtocolException.class);

        if (rows != null && rows.getFeatures() != null && rows.numFeatureArrays() > 0) {
            assertThat(rows.getFeatures()).isNotEmpty();
        }
    }
}
