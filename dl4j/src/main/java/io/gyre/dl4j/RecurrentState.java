package io.gyre.dl4j;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What the recurrent layers of a model carry from one segment of a sequence to the next: for each layer its activations,
 * and the memory cells of an LSTM, after the last step of time. Empty for a model without truncated backpropagation.
 *
 * <p>A segment leaves new arrays and never writes into those that it was given: a state can be used again.
 */
final class RecurrentState {

    private final List<RecurrentLayer> layers;

    private RecurrentState(List<RecurrentLayer> layers) {
        this.layers = layers;
    }

    /** That of a model without truncated backpropagation. */
    static RecurrentState none() {
        return new RecurrentState(List.of());
    }

    /** Finds the layers, also those that are frozen or otherwise wrapped. */
    static RecurrentState of(Layer[] layers) {
        return new RecurrentState(Arrays.stream(layers)
                .map(RecurrentState::recurrent)
                .filter(Objects::nonNull)
                .toList());
    }

    private static @Nullable RecurrentLayer recurrent(Layer layer) {
        Layer inner = layer instanceof BaseWrapperLayer wrapper ? wrapper.getUnderlying() : layer;
        return inner instanceof RecurrentLayer recurrent ? recurrent : null;
    }

    /** Makes the next segment the first of a sequence. */
    void clear() {
        layers.forEach(RecurrentLayer::rnnClearPreviousState);
    }

    /**
     * Makes the next segment continue from a state.
     *
     * @param state from {@link #take}; empty to begin a sequence
     */
    void set(List<Map<String, INDArray>> state) {
        clear();
        for (int i = 0; i < state.size(); i++) {
            layers.get(i).rnnSetTBPTTState(state.get(i));
            layers.get(i).rnnSetPreviousState(state.get(i));
        }
    }

    /** The state after a segment, which the model then no longer holds. */
    List<Map<String, INDArray>> take() {
        List<Map<String, INDArray>> state =
                layers.stream().map(RecurrentLayer::rnnGetTBPTTState).toList();
        clear();
        return state;
    }
}
