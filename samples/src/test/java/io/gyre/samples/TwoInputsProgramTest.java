package io.gyre.samples;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import io.gyre.samples.data.DrawnDigits;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

@Tag("processes")
class TwoInputsProgramTest {

    @TempDir
    private Path runs;

    @Test
    void learnsToCompareTheDigitsOfBothInputsAndKeepsItsRun() throws Exception {
        RunFiles files = new RunFiles(runs.resolve("larger"));
        List<ComputationGraph> graphs = Gyre.local(2).call(session -> {
            ComputationGraph graph = TwoInputsProgram.graph();
            TwoInputsProgram.train(graph, files.directory(), 3);
            return graph;
        });

        assertThat(graphs.get(0).params()).isEqualTo(graphs.get(1).params());
        MultiDataSet pairs = TwoInputsProgram.pairs(DrawnDigits.of(1).heldOut())
                .load(IntStream.range(0, 1_000).toArray());
        double accuracy = accuracy(graphs.get(0), pairs.getFeatures(0), pairs.getFeatures(1), pairs);
        INDArray blank = Nd4j.zerosLike(pairs.getFeatures(0));
        assertThat(accuracy).isGreaterThan(0.82);
        // Who sees one digit alone cannot be right more often than in 78 % of all pairs.
        assertThat(accuracy(graphs.get(0), blank, pairs.getFeatures(1), pairs)).isLessThan(0.78);
        assertThat(accuracy(graphs.get(0), pairs.getFeatures(0), blank, pairs)).isLessThan(0.78);
        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat(record.result()).containsEntry("accuracy", accuracy);
        assertThat(files.model()).isNotEmptyFile();
    }

    private static double accuracy(ComputationGraph graph, INDArray left, INDArray right, MultiDataSet pairs) {
        Evaluation evaluation = new Evaluation();
        evaluation.eval(pairs.getLabels(0), graph.outputSingle(left, right));
        return evaluation.accuracy();
    }
}
