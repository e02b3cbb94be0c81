package io.gyre.training;

import io.gyre.memory.Region;
import java.util.List;

/**
 * What ranks that take {@linkplain LocalSteps local steps} hold besides their replicas, for a checkpoint: what they
 * have in common, and what is each rank's own.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains, between two steps. Memory is valid from {@link ParameterExchange#start} on.
 *   <dt>Ownership
 *   <dd>Regions are live memory of the exchange.
 * </dl>
 */
public interface LocalState {

    /** Settings that give the state its meaning, in words: a run with others cannot use it. */
    String settings();

    /** Whether replicas may differ after so many steps of the model. */
    boolean replicasDiffer(long steps);

    /** Memory with the same content on all ranks, such as the parameters of the last synchronisation. */
    List<Region> common();

    /** Memory with this rank's content, such as what it has begun to send. */
    List<Region> own();

    /** The rest of what is this rank's own: one line. */
    String counts();

    /**
     * Continues after so many steps, with all memory restored. The next {@link ParameterExchange#resume} then continues
     * a sequence of steps, and does not begin one.
     *
     * @param counts see {@link #counts}; empty if the number of ranks is another: all then count alike, and send nothing of
     *     before
     * @throws IllegalArgumentException if they are not those of these settings
     */
    void restore(String counts, long steps);
}
