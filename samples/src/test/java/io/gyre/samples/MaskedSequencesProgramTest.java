package io.gyre.samples;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

@Tag("processes")
class MaskedSequencesProgramTest {

    @TempDir
    private Path runs;

    @Test
    void learnsWhatTheMaskDoesNotHideAndKeepsItsRun() throws Exception {
        RunFiles files = new RunFiles(runs.resolve("walks"));
        List<MultiLayerNetwork> networks = Gyre.local(2).call(session -> {
            MultiLayerNetwork network = MaskedSequencesProgram.network();
            MaskedSequencesProgram.train(network, files.directory(), 5);
            return network;
        });

        assertThat(networks.get(0).params()).isEqualTo(networks.get(1).params());
        MultiLayerNetwork network = networks.get(0);
        DataSet walks = MaskedSequencesProgram.walks(1_000, 2);
        double accuracy = accuracy(network, walks, walks.getFeaturesMaskArray());
        assertThat(accuracy).isGreaterThan(0.9);
        assertThat(accuracy(network, walks, Nd4j.onesLike(walks.getFeaturesMaskArray())))
                .as("accuracy without the mask")
                .isLessThan(accuracy - 0.1);
        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat(record.result()).containsEntry("accuracy", accuracy);
        assertThat(files.model()).isNotEmptyFile();
    }

    @Test
    void whatTheMaskHidesDoesNotMatter() {
        MultiLayerNetwork network = MaskedSequencesProgram.network();
        DataSet walks = MaskedSequencesProgram.walks(100, 2);
        INDArray mask = walks.getFeaturesMaskArray();
        INDArray others = walks.getFeatures().dup();
        others.addi(mask.rsub(1).muli(1000).reshape(others.shape()));

        assertThat(others).isNotEqualTo(walks.getFeatures());
        assertThat(network.output(others, false, mask, null))
                .isEqualTo(network.output(walks.getFeatures(), false, mask, null));
    }

    private static double accuracy(MultiLayerNetwork network, DataSet walks, INDArray mask) {
        Evaluation evaluation = new Evaluation();
        evaluation.eval(walks.getLabels(), network.output(walks.getFeatures(), false, mask, null));
        return evaluation.accuracy();
    }
}
