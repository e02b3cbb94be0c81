package io.gyre.benchmarks;

import io.gyre.Collective;
import io.gyre.Session;
import io.gyre.allreduce.Collectives;
import io.gyre.allreduce.DirectCollective;
import io.gyre.allreduce.RingCollective;
import java.util.Locale;

/** Which implementation to measure. */
enum Algorithm {
    /** What a training would take. */
    AUTO,
    /** Shared memory, without messages. */
    DIRECT,
    /** Messages on a ring. */
    RING;

    /** Creates it for one rank. */
    Collective on(Session session) {
        return switch (this) {
            case AUTO -> Collectives.choose(session.endpoint());
            case DIRECT -> new DirectCollective(session.endpoint());
            case RING -> new RingCollective(session.endpoint());
        };
    }

    /** What an implementation is called in reports: {@code ring} for {@link RingCollective}. */
    static String nameOf(Collective collective) {
        return collective.getClass().getSimpleName().replace("Collective", "").toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
