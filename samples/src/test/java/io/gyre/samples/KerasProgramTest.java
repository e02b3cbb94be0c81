package io.gyre.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.local.Gyre;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The file is written by {@code src/test/keras/digits.py}. */
@EnabledOnOs(
        value = OS.LINUX,
        architectures = {"amd64", "x86_64"},
        disabledReason = "the build has HDF5 for this only")
@Tag("processes")
class KerasProgramTest {

    /** What the script prints. */
    private static final double[] ANSWER = {
        0.080848, 0.068011, 0.102918, 0.122119, 0.110388, 0.140146, 0.143932, 0.049985, 0.062129, 0.119526
    };

    @TempDir
    private Path directory;

    private static Path file() throws Exception {
        URL resource = Objects.requireNonNull(KerasProgramTest.class.getResource("digits.h5"));
        return Path.of(resource.toURI());
    }

    @Test
    void theImportedModelAnswersAsThatOfKeras() throws Exception {
        INDArray image = Nd4j.create(DataType.FLOAT, 1, 28, 28, 1);
        for (int row = 0; row < 28; row++) {
            for (int column = 0; column < 28; column++) {
                image.putScalar(new int[] {0, row, column, 0}, (row + 2 * column) % 7 / 7.0);
            }
        }

        assertThat(KerasProgram.imported(file()).output(image).toDoubleVector()).containsExactly(ANSWER, within(2e-6));
    }

    @Test
    void learnsOnTwoRanksAndKeepsItsRun() throws Exception {
        RunFiles files = new RunFiles(directory.resolve("keras"));

        List<MultiLayerNetwork> networks = Gyre.local(2).call(session -> {
            MultiLayerNetwork network = KerasProgram.imported(file());
            KerasProgram.train(network, files.directory(), 1);
            return network;
        });

        assertThat(networks.get(1).params()).isEqualTo(networks.get(0).params());
        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat((double) record.result().get("accuracy")).isGreaterThan(0.8);
        assertThat(files.model()).isNotEmptyFile();
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        Path none = directory.resolve("none.h5");

        assertThatThrownBy(() -> KerasProgram.main(new String[] {none.toString(), "unused"}))
                .hasMessageContaining(none.toString());
    }
}
