package io.gyre.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.dl4j.BadModelException;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ShardedData;
import io.gyre.local.Gyre;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageSet;
import io.gyre.samples.model.SampleModel;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TransferProgramTest {

    @TempDir
    private Path directory;

    @Test
    void learnsANewOutputOnFrozenLayersAndKeepsItsRun() throws Exception {
        Path zip = directory.resolve("digits.zip");
        digits(zip);
        RunFiles files = new RunFiles(directory.resolve("even"));

        List<MultiLayerNetwork> networks = Gyre.local(2).call(session -> {
            MultiLayerNetwork network = TransferProgram.pretrained(zip);
            TransferProgram.train(network, files.directory(), 5);
            return network;
        });

        MultiLayerNetwork before = TransferProgram.pretrained(zip);
        MultiLayerNetwork after = networks.get(0);
        int output = before.getnLayers() - 1;
        for (int layer = 0; layer < output; layer++) {
            assertThat(after.getLayer(layer).params())
                    .isEqualTo(before.getLayer(layer).params());
        }
        assertThat(after.getLayer(output).params())
                .isNotEqualTo(before.getLayer(output).params());
        assertThat(networks.get(1).params()).isEqualTo(after.params());
        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat((double) record.result().get("accuracy")).isGreaterThan(0.85);
        assertThat(files.model()).isNotEmptyFile();
    }

    @Test
    void aModelThatIsNotThereIsNamed() {
        Path none = directory.resolve("none.zip");

        assertThatThrownBy(() -> TransferProgram.main(new String[] {none.toString(), "unused"}))
                .isInstanceOf(BadModelException.class)
                .hasMessageContaining(none.toString());
    }

    /** A perceptron that has learned ten digits: trained faster than LeNet. */
    private static void digits(Path zip) throws InterruptedException {
        ImageSet digits = DrawnDigits.of(1);
        Gyre.local(2).run(session -> {
            Model model = SampleModel.MLP.build(digits.input(), digits.choices(), 1);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(digits.examples(), 32, 1), 1);
                trainer.exportModel(zip);
            }
        });
    }
}
