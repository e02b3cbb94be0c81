package io.gyre.dl4j;

import java.util.concurrent.Semaphore;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Changes the bit from inside Deeplearning4j. */
final class FlippingListener extends BaseTrainingListener {
    private final BitFlip flip;
    /** One permit for each completed pass of this rank. */
    final Semaphore passes = new Semaphore(0);

    FlippingListener(BitFlip flip) {
        this.flip = flip;
    }

    @Override
    public void onGradientCalculation(Model model) {
        passes.release();
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
        if (iteration + 1 == flip.step()) {
            flip(model, BitFlip.Where.PARAMETERS, BitFlip.Where.UPDATER_STATE);
        }
    }

    @Override
    public void onBackwardPass(Model model) {
        if (Network.of(model).step() == flip.step()) {
            flip(model, BitFlip.Where.PARAMETERS_IN_PASS, BitFlip.Where.UPDATER_STATE_IN_PASS);
        }
    }

    private void flip(Model model, BitFlip.Where inParameters, BitFlip.Where inUpdaterState) {
        if (flip.where() == inParameters) {
            flip.apply(HostMemory.region("parameters", model.params()));
        } else if (flip.where() == inUpdaterState) {
            INDArray state = Network.of(model).updater().getStateViewArray();
            flip.apply(HostMemory.region("updater state", state));
        }
    }
}
