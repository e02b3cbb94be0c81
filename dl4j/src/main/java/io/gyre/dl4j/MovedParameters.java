package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Trainable;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A network's parameters, which may be in the memory that the network has allocated or in another. The arrays stay the
 * same objects, those of the network and those in the tables of its layers: only the buffers behind them change. What
 * else has been cut from them, such as the program's own views, stays in the network's memory.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains.
 *   <dt>Ownership
 *   <dd>Both memories stay reachable as long as this is.
 * </dl>
 */
final class MovedParameters {

    private final INDArray own;
    private final INDArray other;
    private final List<Part> parts = new ArrayList<>();

    /** One array, and the buffers behind it in both memories. */
    private record Part(INDArray array, DataBuffer own, DataBuffer other) {}

    /**
     * Prepares the move.
     *
     * @param memory {@link SharedGradients#arrayOver an array} over the other memory, with the shape of the parameters
     * @throws IllegalArgumentException if a layer keeps parameters outside of the network's vector
     */
    MovedParameters(Network network, INDArray memory) {
        INDArray vector = network.parameterVector();
        other = memory;
        own = Nd4j.create(vector.data(), vector.shape(), vector.stride(), 0, vector.ordering());
        parts.add(new Part(vector, vector.data(), memory.data()));
        INDArray flat = memory.reshape(memory.length());
        long begin = address(vector);
        for (Trainable layer : network.trainables().values()) {
            for (INDArray each : layer.paramTable(false).values()) {
                long at = address(each) - begin;
                long offset = at / vector.dataType().width();
                if (at < 0 || offset + each.length() > vector.length()) {
                    throw new IllegalArgumentException(
                            "a layer of " + layer.getClass().getName() + " keeps parameters of its own");
                }
                DataBuffer there = flat.get(NDArrayIndex.interval(offset, offset + each.length()))
                        .data();
                parts.add(new Part(each, each.data(), there));
            }
        }
    }

    private static long address(INDArray array) {
        return array.data().addressPointer().address();
    }

    /** The network's own memory, whether it is used or not. */
    INDArray own() {
        return own;
    }

    /** The other memory, whether it is used or not. */
    INDArray other() {
        return other;
    }

    /** The network uses the other memory from now on, with what is in it. */
    void useOther() {
        parts.forEach(part -> part.array().setData(part.other()));
    }

    /** The network uses its own memory again, with what is in it. */
    void useOwn() {
        parts.forEach(part -> part.array().setData(part.own()));
    }
}
