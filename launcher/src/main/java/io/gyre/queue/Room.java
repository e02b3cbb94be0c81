package io.gyre.queue;

import io.gyre.OptionRange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What a worker may give to its jobs, all together.
 *
 * @param slots jobs at the same time
 * @param cores processor cores
 * @param memoryMb MiB of memory
 * @param gpus GPUs, with numbers from 0
 */
public record Room(int slots, int cores, long memoryMb, int gpus) {

    /** Of anything: a larger number is a typing error. */
    static final int MOST = 65_536;

    static final long MOST_MB = 1L << 40;

    /** Decimal shares, such as three times a third, add up to 1 but for this. */
    private static final double ROUNDING = 1e-6;

    public Room {
        OptionRange.check("--slots", slots, 1, MOST);
        OptionRange.check("--cores", cores, 1, MOST);
        OptionRange.check("--memory", memoryMb, 0, MOST_MB);
        OptionRange.check("--gpus", gpus, 0, MOST);
    }

    /**
     * What a running job has.
     *
     * @param devices numbers of its GPUs; it has the same share of each
     */
    record Taken(Needs needs, List<Integer> devices) {

        Taken {
            devices = List.copyOf(devices);
        }

        private double share() {
            return Math.min(1, needs.gpus());
        }
    }

    /** Whether a job would fit if no other ran. */
    boolean everFits(Needs needs) {
        return place(needs, List.of()).isPresent();
    }

    /**
     * Numbers of the GPUs that a job would get beside those that run; empty if there is no room. A share goes where
     * most is taken already, so that whole GPUs stay free for those who need them.
     */
    Optional<List<Integer>> place(Needs needs, Collection<Taken> running) {
        int usedCores =
                running.stream().mapToInt(taken -> taken.needs().cores()).sum();
        long usedMb =
                running.stream().mapToLong(taken -> taken.needs().memoryMb()).sum();
        if (running.size() >= slots || usedCores + needs.cores() > cores || usedMb + needs.memoryMb() > memoryMb) {
            return Optional.empty();
        }
        if (needs.gpus() == 0) {
            return Optional.of(List.of());
        }
        double[] load = new double[gpus];
        for (Taken taken : running) {
            taken.devices().stream().filter(device -> device < gpus).forEach(device -> load[device] += taken.share());
        }
        return needs.gpus() < 1 ? share(needs.gpus(), load) : whole((int) needs.gpus(), load);
    }

    private static Optional<List<Integer>> share(double share, double[] load) {
        int best = -1;
        for (int device = 0; device < load.length; device++) {
            if (load[device] + share <= 1 + ROUNDING && (best < 0 || load[device] > load[best])) {
                best = device;
            }
        }
        return best < 0 ? Optional.empty() : Optional.of(List.of(best));
    }

    private static Optional<List<Integer>> whole(int count, double[] load) {
        List<Integer> free = new ArrayList<>();
        for (int device = 0; device < load.length && free.size() < count; device++) {
            if (load[device] < ROUNDING) {
                free.add(device);
            }
        }
        return free.size() < count ? Optional.empty() : Optional.of(free);
    }
}
