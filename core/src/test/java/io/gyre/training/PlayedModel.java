package io.gyre.training;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;

/** A model of a few parameters that records what a strategy asks of it. */
final class PlayedModel implements StepModel {

    final List<String> calls;
    private final ElementType type;
    private final Region parameters;
    private final Region gradients;
    private final BucketPlan plan;

    PlayedModel(ElementType type, int length, List<String> calls) {
        this.type = type;
        this.calls = calls;
        parameters = Region.allocate("parameters", (long) length * type.bytes());
        gradients = Region.allocate("gradients", (long) length * type.bytes());
        plan = BucketPlan.of(List.of((long) length), length);
    }

    double parameter(int index) {
        return get(parameters, index);
    }

    void setParameter(int index, double value) {
        put(type, parameters, index, value);
    }

    private double get(Region region, int index) {
        return type == ElementType.FLOAT32 ? region.getFloat(index * 4L) : region.getDouble(index * 8L);
    }

    static void put(ElementType type, Region region, int index, double value) {
        if (type == ElementType.FLOAT32) {
            region.putFloat(index * 4L, (float) value);
        } else {
            region.putDouble(index * 8L, value);
        }
    }

    @Override
    public ElementType elementType() {
        return type;
    }

    @Override
    public Region gradients() {
        return gradients;
    }

    @Override
    public BucketPlan bucketPlan() {
        return plan;
    }

    @Override
    public Region parameters() {
        return parameters;
    }

    @Override
    public int epoch() {
        return 7;
    }

    @Override
    public List<Region> state() {
        return new ArrayList<>(List.of(parameters));
    }

    @Override
    public void update(StepSummary total) {
        calls.add("update");
    }

    @Override
    public void averageGradients(StepSummary total) {
        calls.add("average");
    }
}
