package io.gyre.training;

/**
 * How ranks arrive at a common model: how gradients are reduced, and how parameters are exchanged. {@link StepDriver}
 * calls both in a fixed order.
 *
 * <table>
 *   <caption>The strategies</caption>
 *   <tr><th></th><th>{@link #reduction}</th><th>{@link #exchange}</th></tr>
 *   <tr><td>{@link Synchronous}</td><td>all-reduce over all ranks</td><td>none: each rank updates</td></tr>
 *   <tr><td>{@link ParameterServer}</td><td>none</td><td>push gradients, pull parameters</td></tr>
 *   <tr><td>{@link ElasticAveraging}</td><td>none</td><td>each rank updates, a centre pulls</td></tr>
 *   <tr><td>{@link Hybrid}</td><td>all-reduce over a group</td><td>one of the two before, by a lead</td></tr>
 *   <tr><td>{@link LocalSteps}</td><td>none, or over a group</td><td>each rank updates, all average</td></tr>
 * </table>
 */
public interface UpdateStrategy {

    /** One word for reports, as on the command line: {@code allreduce}. */
    String name();

    /** Name and settings, which must be the same on all ranks. */
    default String description() {
        return name();
    }

    /** How gradients are reduced. Always the same object. */
    GradientReduction reduction();

    /** How parameters are exchanged. Always the same object. */
    ParameterExchange exchange();

    /** Called once, when this rank has its initial state. */
    default void started() {}
}
