package io.gyre.training;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The all-reduction of a process that holds several seats. Each seat has memory for its gradients and takes part in the
 * collective as a rank of its own does, so the order of the sums, and with it every bit, does not depend on which
 * process holds which rank. Whatever is not a sum of gradients goes over one rank of each process.
 *
 * <dl>
 *   <dt>Memory
 *   <dd>The model computes in the memory of the last seat; one more vector of gradients for each other seat.
 *   <dt>Threads
 *   <dd>The caller's, and for each bucket the seat threads: see {@link Session#onSeats}.
 * </dl>
 */
final class SeatedReduction implements GradientReduction {

    private static final String GRADIENTS = "gradients";

    private final Session session;
    private final List<Collective> ofSeats;
    private final AllReduction ofLeads;
    private final int last;
    private final MemoryBox[] boxes;
    private final List<List<Region>> parts = new ArrayList<>();
    private final IntConsumer reduceOfSeat = this::reduceOfSeat;
    private @Nullable Region cut;

    // Of the bucket that is being reduced.
    private ElementType type = ElementType.FLOAT32;
    private int bucket;
    private long step;

    /**
     * Creates the reduction for one process.
     *
     * @param ofSeats collectives of all ranks, one for each seat; borrowed
     * @param ofLeads of one rank for each process; borrowed
     */
    SeatedReduction(Session session, List<? extends Collective> ofSeats, Collective ofLeads) {
        this.session = session;
        this.ofSeats = List.copyOf(ofSeats);
        List<Integer> own =
                ofSeats.stream().map(collective -> collective.world().rank()).toList();
        int processes = session.seating().count();
        if (!own.equals(session.seating().of(session.world().rank()))
                || ofLeads.world().size() != processes) {
            throw new IllegalArgumentException("collectives of ranks " + own + " and of "
                    + ofLeads.world().size() + " leads: the seats are " + session.seating());
        }
        int ranks = session.world().size();
        this.ofLeads =
                new AllReduction(ofLeads, IntStream.range(0, ranks).boxed().toList(), own);
        last = own.size() - 1;
        boxes = new MemoryBox[own.size()];
    }

    @Override
    public List<Integer> ranks(World world) {
        return ofLeads.ranks(world);
    }

    @Override
    public boolean coversSeats() {
        return true;
    }

    /** Allocates for each seat. The model gets the memory of the last. */
    @Override
    public MemoryBox allocate(long byteLength) {
        session.onSeats(seat -> boxes[seat] = ofSeats.get(seat).allocate(GRADIENTS, byteLength));
        return new OfAllSeats(Arrays.asList(boxes));
    }

    @Override
    public void start(TrainableModel model, int source) {
        ofLeads.start(model, source);
    }

    @Override
    public void give(List<Region> memory, int source) {
        ofLeads.give(memory, source);
    }

    @Override
    public void keep(TrainableModel model, int seat) {
        Region gradients = model.gradients();
        boxes[seat].region().copyFrom(0, gradients, 0, gradients.byteLength());
    }

    @Override
    public void reduce(TrainableModel model, Bucket ofModel, long ofStep) {
        cut(model);
        type = model.elementType();
        bucket = ofModel.index();
        step = ofStep;
        session.onSeats(reduceOfSeat);
    }

    private void reduceOfSeat(int seat) {
        ofSeats.get(seat).allReduce(parts.get(seat).get(bucket), type, ReduceOp.SUM, step, bucket);
    }

    /** The memory of each bucket: the same objects in every step, as long as the model's gradients do not move. */
    @SuppressWarnings("ReferenceEquality") // Gradients that have moved are another region.
    private void cut(TrainableModel model) {
        Region gradients = model.gradients();
        if (gradients != cut) {
            parts.clear();
            for (int seat = 0; seat <= last; seat++) {
                parts.add(AllReduction.cut(seat == last ? gradients : boxes[seat].region(), model));
            }
            cut = gradients;
        }
    }

    @Override
    public StepSummary summarise(StepReport own, long ofStep) {
        return ofLeads.summarise(own, ofStep);
    }

    @Override
    public StepSummary summarise(List<StepReport> ofAllSeats, long ofStep) {
        return ofLeads.summarise(ofAllSeats, ofStep);
    }

    /** The boxes of all seats, with the memory of the last. */
    private record OfAllSeats(List<MemoryBox> boxes) implements MemoryBox {

        @Override
        public String name() {
            return GRADIENTS;
        }

        @Override
        public Region region() {
            return boxes.get(boxes.size() - 1).region();
        }

        @Override
        public void close() {
            boxes.forEach(MemoryBox::close);
        }
    }
}
