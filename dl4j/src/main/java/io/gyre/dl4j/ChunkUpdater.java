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
import org.deeplearning4j.optimize.api.StepFunction;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataBuffer;
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
 * {@link ElementwiseUpdates}: it is done piece by piece, so that gradients, state and parameters of a piece stay in the
 * cache from the first operation to the last.
 *
 * <p>Valid until the network has another updater, gradient vector, or memory for its parameters.
 */
final class ChunkUpdater {

    /**
     * The arrays of a piece take some megabytes, as much as a core's part of a third-level cache. With pieces for a
     * second-level cache, the calls of ND4J, of 10 to 40 microseconds each, would take longer than what they save.
     */
    static final int PIECE = 1 << 19;

    private final Network network;
    private final BaseMultiLayerUpdater<?> updater;
    private final GradientViews views;
    private final DataBuffer parameters;
    private final Chunk chunk;
    private final boolean divides;
    private final List<Trainable> clipped = new ArrayList<>();
    private final List<INDArray> ofClipped = new ArrayList<>();
    private final List<Piece> pieces = new ArrayList<>();

    /** A part of the chunk: what is divided by the number of examples, updated, and subtracted. */
    private record Piece(List<INDArray> divided, List<UpdaterBlock> blocks, INDArray parameters, INDArray gradients) {}

    /**
     * Cuts an updater.
     *
     * @param updater of the network
     * @param views of its gradients
     */
    ChunkUpdater(Network network, BaseMultiLayerUpdater<?> updater, GradientViews views, Chunk chunk) {
        this(network, updater, views, chunk, PIECE);
    }

    /** As above, with short pieces, so that tests reach their borders with small models. */
    ChunkUpdater(Network network, BaseMultiLayerUpdater<?> updater, GradientViews views, Chunk chunk, int mostInPiece) {
        this.network = network;
        this.updater = updater;
        this.views = views;
        this.chunk = chunk;
        INDArray vector = network.parameterVector();
        parameters = vector.data();
        divides = network.model().conf().isMiniBatch();
        INDArray gradients = views.flat();
        List<Span> divided = divided(gradients);
        INDArray flatParameters = vector.reshape(vector.length());
        long end = chunk.offset() + chunk.length();
        for (long from = chunk.offset(); from < end; from += mostInPiece) {
            pieces.add(piece(from, Math.min(end, from + mostInPiece), divided, flatParameters, gradients));
        }
    }

    /** A range of the vectors, in elements. */
    private record Span(long from, long to) {

        Span within(long low, long high) {
            return new Span(Math.max(from, low), Math.min(to, high));
        }
    }

    /** What of the chunk is divided by the number of examples; layers that are clipped are divided before. */
    private List<Span> divided(INDArray gradients) {
        List<Span> spans = new ArrayList<>();
        long from = 0;
        for (Trainable layer : network.trainables().values()) {
            Map<String, INDArray> table = layer.paramTable(false);
            long to = from + table.values().stream().mapToLong(INDArray::length).sum();
            boolean inChunk = from < chunk.offset() + chunk.length() && to > chunk.offset();
            boolean isClipped = inChunk && isClipped(layer);
            List<Span> ofLayer = isClipped ? new ArrayList<>() : spans;
            for (Map.Entry<String, INDArray> parameter : table.entrySet()) {
                long end = from + parameter.getValue().length();
                if (inChunk && layer.updaterDivideByMinibatch(parameter.getKey())) {
                    join(ofLayer, from, end);
                }
                from = end;
            }
            if (isClipped) {
                clipped.add(layer);
                ofLayer.forEach(span -> ofClipped.add(part(gradients, span.from, span.to)));
            }
        }
        return spans;
    }

    /** Whether gradients of any layer are clipped or normalised, for which a rank needs the sums of whole layers. */
    static boolean clips(Network network) {
        return network.trainables().values().stream().anyMatch(ChunkUpdater::isClipped);
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

    private Piece piece(long from, long to, List<Span> divided, INDArray parameters, INDArray gradients) {
        List<UpdaterBlock> blocks = new ArrayList<>();
        for (UpdaterBlock block : updater.getUpdaterBlocks()) {
            int begin = (int) Math.max(block.getParamOffsetStart(), from);
            int end = (int) Math.min(block.getParamOffsetEnd(), to);
            if (begin < end && !block.skipDueToPretrainConfig(false)) {
                blocks.add(cut(block, begin, end, parameters, gradients));
            }
        }
        return new Piece(
                divided.stream()
                        .map(span -> span.within(from, to))
                        .filter(span -> span.from < span.to)
                        .map(span -> part(gradients, span.from, span.to))
                        .toList(),
                blocks,
                part(parameters, from, to),
                part(gradients, from, to));
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
    boolean isOf(@Nullable Object itsUpdater, GradientViews itsViews, DataBuffer itsParameters, Chunk itsChunk) {
        return updater == itsUpdater && views == itsViews && parameters == itsParameters && chunk.equals(itsChunk);
    }

    /**
     * Turns the sums of the gradients into the update, in place.
     *
     * @param examples behind the sums
     */
    void compute(int examples, int step, int epoch, LayerWorkspaceMgr workspaces) {
        run(examples, step, epoch, workspaces, null);
    }

    /** As {@link #compute}, and applies the update to the parameters. */
    void update(int examples, int step, int epoch, LayerWorkspaceMgr workspaces) {
        run(examples, step, epoch, workspaces, network.model().getOptimizer().getStepFunction());
    }

    private void run(
            int examples, int step, int epoch, LayerWorkspaceMgr workspaces, @Nullable StepFunction subtraction) {
        if (divides) {
            for (INDArray each : ofClipped) {
                each.divi(examples);
            }
        }
        for (Trainable each : clipped) {
            updater.preApply(each, views.byLayer().get(each), step);
        }
        workspaces.assertNotOpen(ArrayType.UPDATER_WORKING_MEM, "Updater working memory");
        for (Piece piece : pieces) {
            if (divides) {
                for (INDArray each : piece.divided) {
                    each.divi(examples);
                }
            }
            for (UpdaterBlock block : piece.blocks) {
                MemoryWorkspace scope = workspaces.notifyScopeEntered(ArrayType.UPDATER_WORKING_MEM);
                try {
                    block.update(step, epoch);
                } finally {
                    scope.close();
                }
            }
            if (subtraction != null) {
                subtraction.step(piece.parameters, piece.gradients);
            }
        }
    }
}
