package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Memory of rank 0 for what passes between servers and a checkpoint, allocated when it is first used, and kept. */
final class CutMemory {

    private final Replica replica;
    private @Nullable Region vector;
    private @Nullable List<Region> copy;

    CutMemory(Replica replica) {
        this.replica = replica;
    }

    /** As long as the parameters. */
    Region vector() {
        Region known = vector;
        if (known == null) {
            known = like(replica.parameters());
            vector = known;
        }
        return known;
    }

    /** With the parts of a replica. */
    List<Region> replica() {
        List<Region> known = copy;
        if (known == null) {
            known = replica.state().stream().map(CutMemory::like).toList();
            copy = known;
        }
        return known;
    }

    private static Region like(Region other) {
        return Region.allocate(other.name() + " of a checkpoint", other.byteLength());
    }
}
