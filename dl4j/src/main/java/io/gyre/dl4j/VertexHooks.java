package io.gyre.dl4j;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Hooks of a {@link ComputationGraph}: while a pass runs, the vertices of its layers are replaced by ones around the same layers
 * that tell when their backward pass ends. The pass visits vertices against their topological order, which is the order of the
 * gradient vector: when one is done, so are all behind it. Outputs are left alone, since the graph finds them by other ways too.
 */
final class VertexHooks implements BackwardHooks {

    private final ComputationGraph model;
    private GraphVertex[] own = {};
    private GraphVertex[] telling = {};
    private @Nullable Listener listener;

    VertexHooks(ComputationGraph model) {
        this.model = model;
    }

    @Override
    public void attach(Listener value) {
        listener = value;
        GraphVertex[] vertices = model.getVertices();
        if (!same(vertices, own)) {
            own = vertices.clone();
            telling = telling();
        }
        System.arraycopy(telling, 0, vertices, 0, vertices.length);
    }

    @Override
    public void detach() {
        GraphVertex[] vertices = model.getVertices();
        if (listener != null && same(vertices, telling)) {
            System.arraycopy(own, 0, vertices, 0, vertices.length);
        }
        listener = null;
    }

    @SuppressWarnings("ReferenceEquality") // Equal vertices are still other objects.
    private static boolean same(GraphVertex[] a, GraphVertex[] b) {
        boolean same = a.length == b.length;
        for (int i = 0; same && i < a.length; i++) {
            same = a[i] == b[i];
        }
        return same;
    }

    private GraphVertex[] telling() {
        GraphVertex[] result = own.clone();
        long from = 0;
        for (int index : model.topologicalSortOrder()) {
            GraphVertex vertex = own[index];
            if (vertex.getClass() == LayerVertex.class
                    && !vertex.isOutputVertex()
                    && !(vertex.getLayer() instanceof FrozenLayer)) {
                result[index] = new TellingVertex(model, (LayerVertex) vertex, from);
            }
            from += vertex.numParams();
        }
        return result;
    }

    private void complete(long offset) {
        Listener known = listener;
        if (known != null) {
            known.completeFrom(offset);
        }
    }

    /** The vertex of a layer; equal only to itself. */
    @SuppressWarnings("overrides") // Two of Deeplearning4j's own methods differ in being variadic.
    private final class TellingVertex extends LayerVertex {

        private final long from;

        TellingVertex(ComputationGraph graph, LayerVertex vertex, long from) {
            super(
                    graph,
                    vertex.getVertexName(),
                    vertex.getVertexIndex(),
                    vertex.getInputVertices(),
                    vertex.getOutputVertices(),
                    vertex.getLayer(),
                    vertex.getLayerPreProcessor(),
                    false,
                    dataType(graph));
            this.from = from;
        }

        private static DataType dataType(ComputationGraph graph) {
            return graph.getConfiguration().getDataType();
        }

        @Override
        public Pair<Gradient, INDArray[]> doBackward(boolean tbptt, LayerWorkspaceMgr workspaces) {
            Pair<Gradient, INDArray[]> result = super.doBackward(tbptt, workspaces);
            complete(from);
            return result;
        }

        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }
}
