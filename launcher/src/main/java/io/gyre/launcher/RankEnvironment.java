package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The environment variables that give a rank its identity, and keep the ranks of a host from competing for resources.
 */
final class RankEnvironment {

    private static final String THREADS = "OMP_NUM_THREADS";
    private static final String BLAS_THREADS = "OPENBLAS_NUM_THREADS";
    private static final String WAITING = "OMP_WAIT_POLICY";

    private RankEnvironment() {}

    /**
     * Variables to add to a rank's environment.
     *
     * @param rendezvous where the ranks meet
     * @param transport name of the transport
     * @param cores cores of this host; a rank on another host counts its own
     * @param own the launcher's environment; variables the user has set there are not overridden
     */
    static Map<String, String> of(
            Placement place, String rendezvous, String transport, int cores, Map<String, String> own) {
        Map<String, String> variables = new LinkedHashMap<>();
        own.forEach((name, value) -> {
            if (GyreVariable.isGyres(name) || name.equals("JDK_JAVA_OPTIONS")) {
                variables.put(name, value);
            }
        });
        GyreVariable.RANK.put(variables, place.rank());
        GyreVariable.WORLD_SIZE.put(variables, place.size());
        GyreVariable.LOCAL_RANK.put(variables, place.localRank());
        GyreVariable.LOCAL_SIZE.put(variables, place.localSize());
        GyreVariable.RENDEZVOUS.put(variables, rendezvous);
        GyreVariable.TRANSPORT.put(variables, transport);
        variables.put(WAITING, own.getOrDefault(WAITING, "PASSIVE"));
        if (own.containsKey(THREADS)) {
            variables.put(THREADS, own.get(THREADS));
        } else if (place.here()) {
            variables.put(THREADS, String.valueOf(Math.max(1, cores / place.localSize())));
        }
        if (own.containsKey(BLAS_THREADS)) {
            variables.put(BLAS_THREADS, own.get(BLAS_THREADS));
        } else if (variables.containsKey(THREADS)) {
            variables.put(BLAS_THREADS, variables.get(THREADS));
        }
        return variables;
    }

    /**
     * Which GPU a rank sees: assigned round robin by local rank. CUDA reads the variable when it is loaded, so it
     * cannot be set later.
     *
     * @param devices as {@code CUDA_VISIBLE_DEVICES} names them; empty to leave the variable alone
     */
    static Map<String, String> device(Placement place, List<String> devices) {
        if (devices.isEmpty()) {
            return Map.of();
        }
        int sharing = (place.localSize() - place.localRank() % devices.size() + devices.size() - 1) / devices.size();
        return Map.of(
                "CUDA_VISIBLE_DEVICES",
                devices.get(place.localRank() % devices.size()),
                GyreVariable.RANKS_ON_DEVICE.key(),
                String.valueOf(sharing));
    }
}
