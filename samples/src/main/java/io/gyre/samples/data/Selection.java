package io.gyre.samples.data;

/** Some of the images of a set, in an order of their own. */
final class Selection implements Images {

    private final Images all;
    private final int[] indices;

    Selection(Images all, int... indices) {
        this.all = all;
        this.indices = indices;
    }

    @Override
    public int size() {
        return indices.length;
    }

    @Override
    public int label(int index) {
        return all.label(indices[index]);
    }

    @Override
    public void read(int index, float[] values, int offset) {
        all.read(indices[index], values, offset);
    }
}
