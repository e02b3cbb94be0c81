package io.gyre;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The boxes of one rank of an {@link InProcessNetwork}: all threads of a JVM share its memory anyway. */
final class InProcessBoxes implements MemoryBoxes {

    private static final Logger LOG = LoggerFactory.getLogger(InProcessBoxes.class);

    private final Shelf shelf;
    private final Endpoint endpoint;
    private final Activity activity = new Activity();
    private final BoxNames names = new BoxNames();
    private final AtomicLong moved = new AtomicLong();
    private final Set<Box> open = new HashSet<>();

    InProcessBoxes(Shelf shelf, Endpoint endpoint) {
        this.shelf = shelf;
        this.endpoint = endpoint;
    }

    @Override
    public List<Integer> ranks() {
        return IntStream.range(0, endpoint.world().size()).boxed().toList();
    }

    @Override
    public MemoryBox create(String name, long byteLength) {
        Shelf.Place place = new Shelf.Place(endpoint.world().rank(), name);
        return register(new Box(name, shelf.put(place, endpoint, byteLength), place));
    }

    @Override
    public MemoryBox attach(int owner, String name, long byteLength) {
        Member member = endpoint.member(owner);
        Shelf.Place place = new Shelf.Place(owner, name);
        activity.begin("attaching box '" + name + "'", 0, -1, 0);
        activity.waitingFor(member, 0);
        Region found = shelf.find(place, member, byteLength);
        while (found == null) {
            endpoint.await(0, activity);
            found = shelf.find(place, member, byteLength);
        }
        endpoint.await(1, activity);
        return register(new Box(name, found, null));
    }

    @Override
    public String newName(String purpose) {
        return names.next(purpose);
    }

    @Override
    public void moved(long bytes) {
        moved.addAndGet(bytes);
    }

    @Override
    public long bytesMoved() {
        return moved.get();
    }

    private synchronized Box register(Box box) {
        open.add(box);
        return box;
    }

    private synchronized void end(Box box) {
        box.region.close();
        if (open.remove(box) && box.place != null) {
            shelf.remove(box.place);
        }
    }

    /** Closes all boxes but those in use. */
    void close() {
        List<Box> rest;
        synchronized (this) {
            rest = new ArrayList<>(open);
        }
        for (Box box : rest) {
            try {
                box.close();
            } catch (IllegalStateException e) {
                LOG.warn("a session is closed before a box: {}", e.getMessage());
            }
        }
    }

    private final class Box implements MemoryBox {
        private final String name;
        private final Region region;
        private final Shelf.@Nullable Place place;

        /** A box; its place if it is this rank's own. */
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
            end(this);
        }
    }

    /** Where the boxes of all ranks stand. */
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
