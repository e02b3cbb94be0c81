package io.gyre.membership;

import io.gyre.membership.SeatFaults.Fault;
import java.util.EnumMap;
import java.util.List;

/** What has happened in many {@linkplain SimulatedSeats runs}. */
final class SeatTally {

    final EnumMap<Fault, Integer> faults = new EnumMap<>(Fault.class);
    int runs;
    int finished;
    int endedEarly;
    int generations;
    int steps;
    int repeated;
    int adopted;
    int late;
    int verdicts;
    int cameAgain;
    int dismissed;
    int adjourned;

    void count(Fault fault) {
        faults.merge(fault, 1, Integer::sum);
    }

    /** What has happened in the runs of both. */
    static SeatTally sum(SeatTally a, SeatTally b) {
        SeatTally sum = new SeatTally();
        for (SeatTally each : List.of(a, b)) {
            each.faults.forEach((fault, times) -> sum.faults.merge(fault, times, Integer::sum));
            sum.runs += each.runs;
            sum.finished += each.finished;
            sum.endedEarly += each.endedEarly;
            sum.generations += each.generations;
            sum.steps += each.steps;
            sum.repeated += each.repeated;
            sum.adopted += each.adopted;
            sum.late += each.late;
            sum.verdicts += each.verdicts;
            sum.cameAgain += each.cameAgain;
            sum.dismissed += each.dismissed;
            sum.adjourned += each.adjourned;
        }
        return sum;
    }

    @Override
    public String toString() {
        return runs + " schedules, faults " + faults + "; " + generations + " generations, " + steps
                + " steps applied, " + repeated + " repeated, " + adopted + " states adopted, " + late
                + " steps applied after the next generation began, " + adjourned + " adjourned, " + verdicts
                + " verdicts about silence, " + cameAgain + " came again, " + dismissed + " spares dismissed, "
                + endedEarly + " runs ended for too few processes, " + finished + " processes finished";
    }
}
