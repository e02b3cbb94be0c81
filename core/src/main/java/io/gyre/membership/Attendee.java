package io.gyre.membership;

import io.gyre.membership.Message.Join;
import io.gyre.session.Reached;

/** One process of a run with seats as its usher knows it, from its join on. */
final class Attendee {

    final int connection;

    /** In the order of arrival, from 0: never given again. */
    final int number;

    final Join join;
    final Pulse pulse;

    /** Whether it takes part in the present generation, or has in the one that has ended. */
    boolean seated;

    /** Whether it can take seats in the next generation. */
    boolean present;

    /** How far it has come. */
    Reached reached = Reached.NOTHING;

    Attendee(int connection, int number, Join join, long time) {
        this.connection = connection;
        this.number = number;
        this.join = join;
        this.pulse = new Pulse(time);
    }

    RunProcess process() {
        return RunProcess.of(number, join.member());
    }

    @Override
    public String toString() {
        return process().toString();
    }
}
