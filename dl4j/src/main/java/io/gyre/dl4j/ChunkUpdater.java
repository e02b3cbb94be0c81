package io.gyre.dl4j;

import io.gyre.Chunk;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;

/**
 * A network's updater for one chunk of the parameters: Deeplearning4j's own code on views of its blocks that end where
 * the chunk ends. It computes what {@link BaseMultiLayerUpdater#update} does there, bit for bit, and works on the
 * updater's own state.
 *
 * <p>Layers whose gradients are clipped or normalised are divided and clipped as a whole if the chunk has any part of
 * them: that may need the norm of a layer, and each rank has the sums of all. The rest is element by element, see
 * {@link ElementwiseUpdates}.
 *
 * <p>Valid until the network has another updater, gradient vector or parameter vector.
 */
final class ChunkUpdater {

    private final BaseMultiLayerUpdater<?> updater;
    private final GradientViews views;
    private final INDArray parameters;
    private final Chunk chunk;
    private final boolean divides;
    private final List<INDArray> divided;
    private final List<Trainable> clipped = new ArrayList<>();
    private final List<UpdaterBlock> blocks = new ArrayList<>();

    /**
     * Cuts an updater.
     *
     * @param updater of the network
     * @param views of its gradients
     */
    ChunkUpdater(Network network, BaseMultiLayerUpdater<?> updater, GradientViews views, Chunk chunk) {
        this.updater = updater;
        this.views = views;
        this.chunk = chunk;
        parameters = network.parameters();
        divides = network.model().conf().isMiniBatch();
        INDArray gradients = views.flat();
        divided = divided(network).stream()
                .map(span -> part(gradients, span.from, span.to))
                .toList();
        INDArray flatParameters = parameters.reshape(parameters.length());
        for (UpdaterBlock block : updater.getUpdaterBlocks()) {
            int from = (int) Math.max(block.getParamOffsetStart(), chunk.offset());
            int to = (int) Math.min(block.getParamOffsetEnd(), chunk.offset() + chunk.length());
            if (from < to && !block.skipDueToPretrainConfig(false)) {
                blocks.add(cut(block, from, to, flatParameters, gradients));
            }
        }
    }

    /** A range of the vectors, in elements. */
    private record Span(long from, long to) {}

    /** What is divided by the number of examples: gradients of the chunk, and of all layers that are clipped in it. */
    private List<Span> divided(Network network) {
        List<Span> spans = new ArrayList<>();
        long from = 0;
        for (Trainable layer : network.trainables().values()) {
            Map<String, INDArray> table = layer.paramTable(false);
            long to = from + table.values().stream().mapToLong(INDArray::length).sum();
            long low = Math.max(from, chunk.offset());
            long high = Math.min(to, chunk.offset() + chunk.length());
            if (low < high && isClipped(layer)) {
                clipped.add(layer);
                low = from;
                high = to;
            }
            for (Map.Entry<String, INDArray> parameter : table.entrySet()) {
                long end = from + parameter.getValue().length();
                if (layer.updaterDivideByMinibatch(parameter.getKey())) {
                    join(spans, Math.max(from, low), Math.min(end, high));
                }
                from = end;
            }
        }
        return spans;
    }

    private static boolean isClipped(Trainable layer) {
        if (layer.getConfig() == null || layer.getGradientsViewArray() == null) {
            return false;
        }
        GradientNormalization normalization = layer.getConfig().getGradientNormalization();
        return normalization != null && normalization != GradientNormalization.None;
    }

    private static void join(List<Span> spans, long from, long to) {
        if (from >= to) {
            return;
        }
        Span last = spans.isEmpty() ? null : spans.get(spans.size() - 1);
        if (last != null && last.to == from) {
            spans.set(spans.size() - 1, new Span(last.from, to));
        } else {
            spans.add(new Span(from, to));
        }
    }

    private static UpdaterBlock cut(UpdaterBlock block, int from, int to, INDArray parameters, INDArray gradients) {
        List<ParamState> parts = new ArrayList<>();
        for (ParamState each : block.getLayersAndVariablesInBlock()) {
            int begin = Math.max(from, each.getParamOffsetStart());
            int end = Math.min(to, each.getParamOffsetEnd());
            if (begin < end) {
                parts.add(new ParamState(
                        each.getLayer(),
                        each.getParamName(),
                        begin,
                        end,
                        part(parameters, begin, end),
                        part(gradients, begin, end)));
            }
        }
        int start = block.getParamOffsetStart();
        UpdaterBlock cut = new UpdaterBlock(from, to, 0, 0, parts);
        cut.setGradientView(part(gradients, from, to));
        cut.setGradientUpdater(cut(block.getGradientUpdater(), from - start, to - start));
        return cut;
    }

    /** The same updater, on a part of each of its state's arrays. */
    private static GradientUpdater<?> cut(GradientUpdater<?> updater, long from, long to) {
        Map<String, INDArray> state = new LinkedHashMap<>();
        updater.getState().forEach((name, array) -> state.put(name, part(array.reshape(array.length()), from, to)));
        return updater.getConfig().instantiate(state, false);
    }

    /**
     * A view, in row-major order as Deeplearning4j's own. An interval of a vector is in column-major order, for which
     * ND4J's updaters take twice as long.
     */
    private static INDArray part(INDArray flat, long from, long to) {
        return flat.get(NDArrayIndex.interval(from, to)).reshape('c', new long[] {to - from});
    }

    /** Whether it was cut from these objects. */
    @SuppressWarnings("ReferenceEquality") // Arrays with equal contents are different memory.
    boolean isOf(@Nullable Object itsUpdater, GradientViews itsViews, INDArray itsParameters, Chunk itsChunk) {
        return updater == itsUpdater && views == itsViews && parameters == itsParameters && chunk.equals(itsChunk);
    }

    /**
     * Turns the sums of the gradients into the update, in place.
     *
     * @param examples behind the sums
     */
    void compute(int examples, int step, int epoch, LayerWorkspaceMgr workspaces) {
        if (divides) {
            for (INDArray each : divided) {
                each.divi(examples);
            }
        }
        for (Trainable each : clipped) {
            updater.preApply(each, views.byLayer().get(each), step);
        }
        workspaces.assertNotOpen(ArrayType.UPDATER_WORKING_MEM, "Updater working memory");
        for (UpdaterBlock block : blocks) {
            MemoryWorkspace scope = workspaces.notifyScopeEntered(ArrayType.UPDATER_WORKING_MEM);
            try {
                block.update(step, epoch);
            } finally {
                scope.close();
            }
        }
    }
}
