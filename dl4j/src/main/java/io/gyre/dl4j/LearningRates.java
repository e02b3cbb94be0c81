package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Trainable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.IUpdater;

/**
 * The learning rates of a network's parameters in a step. Where each rank updates everything, a rank with another rate
 * soon has other parameters. Where ranks divide the update, all get what it computes for its chunk: so the rates
 * themselves are compared.
 */
final class LearningRates {

    private final Network network;
    private final List<Parameter> parameters = new ArrayList<>();
    private final Region values;

    private record Parameter(String prefix, Trainable layer, String name) {}

    LearningRates(Network network) {
        this.network = network;
        network.trainables()
                .forEach((prefix, layer) -> layer.paramTable(false)
                        .keySet()
                        .forEach(name -> parameters.add(new Parameter(prefix, layer, name))));
        values = Region.allocate("learning rates", (long) Double.BYTES * parameters.size());
        read();
    }

    /** Reads those of the network's present step. */
    void read() {
        int step = network.step();
        int epoch = network.epoch();
        for (int i = 0; i < parameters.size(); i++) {
            Parameter each = parameters.get(i);
            IUpdater updater = each.layer.getConfig().getUpdaterByParam(each.name);
            values.putDouble(
                    (long) Double.BYTES * i, updater.hasLearningRate() ? updater.getLearningRate(step, epoch) : 0);
        }
    }

    /** As a part of the replica. */
    ReplicaPart part() {
        return new ReplicaPart(values.name(), values, DataType.DOUBLE, this::nameOf);
    }

    private String nameOf(long index) {
        Parameter parameter = parameters.get(Math.toIntExact(index));
        return "parameter " + parameter.prefix + "_" + parameter.name;
    }
}
