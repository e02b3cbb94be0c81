package io.gyre.training;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.util.List;

/**
 * The outer update of DiLoCo: stochastic gradient descent with Nesterov momentum, whose gradient is how far the ranks
 * have moved on average. For the parameters {@code a} of the last synchronisation, the ranks' own {@code w} with
 * weights {@code n}, rate {@code r} and momentum {@code m}:
 *
 * <pre>
 * d = sum of n (a - w);   v = m v + d;   a = a - r (d + m v);   w = a
 * </pre>
 *
 * <p>Every rank computes it from the same bits. Statistics such as running means are no parameters that descend: their
 * mean replaces them, with r = 1 and m = 0. If the sum comes a step late, what w has moved meanwhile is kept: {@code
 * w = a + (w - w as it was sent)}.
 *
 * <p>Computes in doubles, and rounds what it stores. Memory besides the parameters: a, v, and per fragment the
 * difference; with a delay also w as it was sent.
 */
final class OuterUpdate implements FragmentSync {

    private final Collective all;
    private final LocalSettings settings;
    private final ElementBlock own = new ElementBlock();
    private final ElementBlock common = new ElementBlock();
    private final ElementBlock moved = new ElementBlock();
    private final ElementBlock speed = new ElementBlock();

    private ElementType type = ElementType.FLOAT32;
    private List<Span> statistics = List.of();
    private Region anchor = Region.allocate("nothing", 0);
    private Region velocity = anchor;
    private Region difference = anchor;
    private Region sent = anchor;

    /**
     * Creates the update of one rank.
     *
     * @param all borrowed; allocates what it sums
     */
    OuterUpdate(Collective all, LocalSettings settings) {
        this.all = all;
        this.settings = settings;
    }

    @Override
    public void start(TrainableModel model) {
        type = model.elementType();
        statistics = model.statistics();
        long bytes = model.parameters().byteLength();
        long ofFragment = settings.fragment(0, bytes / type.bytes()).length() * type.bytes();
        anchor = Region.allocate("common parameters", bytes);
        velocity = Region.allocate("outer momentum", settings.outerMomentum() == 0 ? 0 : bytes);
        difference = all.world().size() == 1
                ? Region.allocate("outer gradient", ofFragment)
                : all.allocate("outer gradient", ofFragment).region();
        sent = Region.allocate("parameters sent", settings.delay() == 0 ? 0 : ofFragment);
    }

    @Override
    public void begin(TrainableModel model) {
        anchor.copyFrom(0, model.parameters(), 0, anchor.byteLength());
    }

    @Override
    public List<Region> common() {
        return settings.outerMomentum() == 0 ? List.of(anchor) : List.of(anchor, velocity);
    }

    @Override
    public List<Region> own() {
        return settings.delay() > 0 ? List.of(difference, sent) : List.of();
    }

    @Override
    public void prepare(TrainableModel model, Span fragment, double weight) {
        Region parameters = model.parameters();
        for (long at = fragment.offset(); at < fragment.end(); ) {
            int n = block(parameters, fragment, at, fragment.end());
            own.read(parameters, type, at, n);
            if (settings.delay() > 0) {
                own.write(sent, type, at - fragment.offset(), n);
            }
            common.read(anchor, type, at, n);
            for (int i = 0; i < n; i++) {
                moved.values[i] = weight == 0 ? 0 : weight * (common.values[i] - own.values[i]);
            }
            moved.write(difference, type, at - fragment.offset(), n);
            at += n;
        }
    }

    @Override
    public Region part(TrainableModel model, Span fragment) {
        return difference.slice(0, fragment.length() * type.bytes());
    }

    private int block(Region parameters, Span fragment, long at, long end) {
        int n = ElementBlock.length(parameters, type, at, end - at);
        n = ElementBlock.length(anchor, type, at, n);
        return ElementBlock.length(difference, type, at - fragment.offset(), n);
    }

    @Override
    public void apply(TrainableModel model, Span fragment) {
        long at = fragment.offset();
        for (Span each : statistics) {
            long from = Math.max(at, each.offset());
            long to = Math.min(fragment.end(), each.end());
            if (from < to) {
                descend(model, fragment, at, from, settings.outerRate(), settings.outerMomentum());
                descend(model, fragment, from, to, 1, 0);
                at = to;
            }
        }
        descend(model, fragment, at, fragment.end(), settings.outerRate(), settings.outerMomentum());
    }

    private void descend(TrainableModel model, Span fragment, long from, long to, double rate, double momentum) {
        Region parameters = model.parameters();
        for (long at = from; at < to; ) {
            int n = block(parameters, fragment, at, to);
            moved.read(difference, type, at - fragment.offset(), n);
            common.read(anchor, type, at, n);
            if (momentum == 0) {
                for (int i = 0; i < n; i++) {
                    common.values[i] -= rate * moved.values[i];
                }
            } else {
                speed.read(velocity, type, at, n);
                for (int i = 0; i < n; i++) {
                    speed.values[i] = momentum * speed.values[i] + moved.values[i];
                    common.values[i] -= rate * (moved.values[i] + momentum * speed.values[i]);
                }
                speed.write(velocity, type, at, n);
            }
            common.write(anchor, type, at, n);
            if (settings.delay() > 0) {
                keepWhatHasMovedSince(parameters, fragment, at, n);
            }
            common.write(parameters, type, at, n);
            at += n;
        }
    }

    private void keepWhatHasMovedSince(Region parameters, Span fragment, long at, int n) {
        own.read(parameters, type, at, n);
        moved.read(sent, type, at - fragment.offset(), n);
        for (int i = 0; i < n; i++) {
            common.values[i] += own.values[i] - moved.values[i];
        }
    }
}
