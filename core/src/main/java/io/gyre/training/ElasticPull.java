package io.gyre.training;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * After the local update, every few steps, an elastic force pulls the parameters towards a common centre, and the
 * centre towards them; {@link ElasticAveraging} has the equations.
 *
 * <p>The centre is read before the difference is computed, since an old centre would pull the wrong way; the difference
 * is added to it while the next step computes.
 */
final class ElasticPull implements ParameterExchange {

    private static final int BLOCK = 1_024;

    private final SharedVector centre;
    private final double movingRate;
    private final int period;
    private final boolean ahead;
    private final float[] floats = new float[BLOCK];
    private final float[] floatDifferences = new float[BLOCK];
    private final double[] doubles = new double[BLOCK];
    private final double[] doubleDifferences = new double[BLOCK];

    /** First the centre that was read, then d. */
    private Region difference = Region.allocate("nothing", 0);

    /** The centre, if it is read ahead while {@link #difference} is still being added. */
    private Region centreRead = difference;

    private boolean reading;

    /**
     * Creates the exchange of one rank.
     *
     * @param centre borrowed
     * @param movingRate alpha, above 0 and below 1
     * @param period steps from one exchange to the next, at least 1
     * @param ahead whether the centre is read while the step before the exchange computes
     */
    ElasticPull(SharedVector centre, double movingRate, int period, boolean ahead) {
        if (!(movingRate > 0 && movingRate < 1)) {
            throw new IllegalArgumentException("a moving rate of " + movingRate + ": it must be between 0 and 1");
        }
        if (period < 1) {
            throw new IllegalArgumentException("a period of " + period + " steps: at least 1 is needed");
        }
        this.centre = centre;
        this.movingRate = movingRate;
        this.period = period;
        this.ahead = ahead;
    }

    @Override
    public String checkpointObstacle() {
        return centre.serverState() == null ? OUT_OF_STEP : "";
    }

    @Override
    public @Nullable ServerState serverState() {
        return centre.serverState();
    }

    @Override
    public void start(TrainableModel model) {
        Region parameters = model.parameters();
        difference = Region.allocate("elastic difference", parameters.byteLength());
        centreRead = ahead ? centre.allocate(parameters.byteLength()) : difference;
        centre.start(parameters);
    }

    @Override
    public long resume(TrainableModel model, long step) {
        centre.resume();
        return step;
    }

    private boolean endsWithExchange(long step) {
        return (step + 1) % period == 0;
    }

    @Override
    public void before(TrainableModel model, long step) {
        if (ahead && !reading && endsWithExchange(step)) {
            centre.beginRead(centreRead);
            reading = true;
        }
    }

    @Override
    public void after(TrainableModel model, StepSummary total, long step) {
        if (!endsWithExchange(step)) {
            return;
        }
        if (ahead) {
            centre.awaitRead();
            reading = false;
            centre.awaitAccumulate();
        } else {
            centre.awaitAccumulate();
            centre.read(centreRead);
        }
        pull(model.elementType(), model.parameters());
        centre.beginAccumulate(difference);
    }

    /** Computes d from the centre that was read, and moves the parameters by it. */
    private void pull(ElementType type, Region parameters) {
        int blockBytes = BLOCK * type.bytes();
        for (long done = 0; done < parameters.byteLength(); ) {
            long rest = Math.min(blockBytes, parameters.byteLength() - done);
            int n = difference.contiguous(done, centreRead.contiguous(done, parameters.contiguous(done, rest)));
            ByteBuffer w = part(parameters, done, n);
            ByteBuffer c = part(centreRead, done, n);
            ByteBuffer d = part(difference, done, n);
            if (type == ElementType.FLOAT32) {
                pullFloats(w, c, d, n / Float.BYTES);
            } else {
                pullDoubles(w, c, d, n / Double.BYTES);
            }
            done += n;
        }
    }

    private static ByteBuffer part(Region region, long offset, int length) {
        ByteBuffer window = region.window(offset);
        return window.slice(region.windowOffset(offset), length).order(window.order());
    }

    private void pullFloats(ByteBuffer w, ByteBuffer c, ByteBuffer d, int n) {
        w.asFloatBuffer().get(floats, 0, n);
        c.asFloatBuffer().get(floatDifferences, 0, n);
        float alpha = (float) movingRate;
        for (int i = 0; i < n; i++) {
            floatDifferences[i] = alpha * (floats[i] - floatDifferences[i]);
            floats[i] -= floatDifferences[i];
        }
        w.asFloatBuffer().put(floats, 0, n);
        d.asFloatBuffer().put(floatDifferences, 0, n);
    }

    private void pullDoubles(ByteBuffer w, ByteBuffer c, ByteBuffer d, int n) {
        w.asDoubleBuffer().get(doubles, 0, n);
        c.asDoubleBuffer().get(doubleDifferences, 0, n);
        for (int i = 0; i < n; i++) {
            doubleDifferences[i] = movingRate * (doubles[i] - doubleDifferences[i]);
            doubles[i] -= doubleDifferences[i];
        }
        w.asDoubleBuffer().put(doubles, 0, n);
        d.asDoubleBuffer().put(doubleDifferences, 0, n);
    }

    /** All ranks take over the centre. */
    @Override
    public void finish(TrainableModel model) {
        if (reading) {
            centre.awaitRead();
            reading = false;
        }
        centre.awaitAccumulate();
        centre.finish(model.parameters());
    }
}
