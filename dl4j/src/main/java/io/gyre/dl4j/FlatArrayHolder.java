package io.gyre.dl4j;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.ArrayHolder;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Keeps a graph's trained variables in one flat vector, and leaves the other arrays where they are. A new array for a
 * trained variable is copied into the vector. SameDiff's own holders would copy the views out of it.
 *
 * <p>Read by any thread; a trained variable is written by the thread that trains.
 */
final class FlatArrayHolder implements ArrayHolder {

    private final ArrayHolder rest;
    private final Map<String, INDArray> views = new HashMap<>();

    /**
     * Creates the holder.
     *
     * @param parts of the vector, for each of the variables
     * @param rest holds all other arrays, and keeps its own of these, unused
     */
    FlatArrayHolder(SameDiffVariables variables, List<INDArray> parts, ArrayHolder rest) {
        this.rest = rest;
        for (int i = 0; i < parts.size(); i++) {
            views.put(variables.list().get(i).name(), parts.get(i));
        }
    }

    @Override
    public boolean hasArray(String name) {
        return views.containsKey(name) || rest.hasArray(name);
    }

    @Override
    public INDArray getArray(String name) {
        INDArray view = views.get(name);
        return view == null ? rest.getArray(name) : view;
    }

    @Override
    public void setArray(String name, INDArray array) {
        INDArray view = views.get(name);
        if (view == null) {
            rest.setArray(name, array);
        } else {
            view.assign(array);
        }
    }

    @Override
    public INDArray removeArray(String name) {
        checkFree(name);
        return rest.removeArray(name);
    }

    @Override
    public int size() {
        return rest.size();
    }

    @Override
    public void initFrom(ArrayHolder other) {
        other.arrayNames().forEach(name -> setArray(name, other.getArray(name)));
    }

    @Override
    public Collection<String> arrayNames() {
        return rest.arrayNames();
    }

    @Override
    public void rename(String from, String to) {
        checkFree(from);
        rest.rename(from, to);
    }

    private void checkFree(String name) {
        if (views.containsKey(name)) {
            throw new IllegalStateException("variable '" + name
                    + "' is being trained: close the trainer before the variable is removed or renamed");
        }
    }
}
