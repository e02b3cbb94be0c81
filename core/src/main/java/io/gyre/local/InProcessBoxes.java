package io.gyre.local;

import io.gyre.DisagreementException;
import io.gyre.Member;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Endpoint;
import io.gyre.network.OpenBoxes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The boxes of one rank of an {@link InProcessNetwork}, whose threads share memory anyway. */
final class InProcessBoxes extends OpenBoxes {

    private final Shelf shelf;

    InProcessBoxes(Shelf shelf, Endpoint endpoint, int lane) {
        super(endpoint, lane);
        this.shelf = shelf;
    }

    @Override
    public List<Integer> ranks() {
        return IntStream.range(0, endpoint().world().size()).boxed().toList();
    }

    @Override
    public MemoryBox create(String name, long byteLength) {
        Shelf.Place place = new Shelf.Place(endpoint().world().rank(), name);
        return register(new Box(name, shelf.put(place, endpoint(), byteLength), place));
    }

    @Override
    public MemoryBox attach(int owner, String name, long byteLength) {
        Member member = endpoint().member(owner);
        Shelf.Place place = new Shelf.Place(owner, name);
        return register(new Box(name, awaitBox(member, name, () -> shelf.find(place, member, byteLength)), null));
    }

    private final class Box implements MemoryBox {
        private final String name;
        private final Region region;
        private final Shelf.@Nullable Place place;

        /** A box, with its place if this rank created it. */
        Box(String name, Region region, Shelf.@Nullable Place place) {
            this.name = name;
            this.region = region;
            this.place = place;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Region region() {
            return region;
        }

        @Override
        public void close() {
            region.close();
            if (forget(this) && place != null) {
                shelf.remove(place);
            }
        }
    }

    /** Holds the boxes of all ranks. */
    static final class Shelf {

        private record Place(int owner, String name) {}

        private final Map<Place, Region> boxes = new HashMap<>();

        private synchronized Region put(Place place, Endpoint endpoint, long byteLength) {
            if (boxes.containsKey(place)) {
                throw new IllegalArgumentException(
                        endpoint.member(place.owner) + " has a box '" + place.name + "' already");
            }
            Region memory = Region.allocate("box '" + place.name + "' of rank " + place.owner, byteLength);
            boxes.put(place, memory);
            return memory.share();
        }

        private synchronized void remove(Place place) {
            boxes.remove(place);
        }

        private synchronized @Nullable Region find(Place place, Member owner, long byteLength) {
            Region memory = boxes.get(place);
            if (memory == null) {
                return null;
            }
            if (memory.byteLength() != byteLength) {
                throw new DisagreementException("box '" + place.name + "' of " + owner + " has " + memory.byteLength()
                        + " bytes, and " + byteLength
                        + " were expected. All ranks must run the same program with the same options.");
            }
            return memory.share();
        }
    }
}
