package io.gyre;

import java.util.HashMap;
import java.util.Map;

/** Gives out names for boxes that were not given before; see {@link MemoryBoxes#newName}. */
public final class BoxNames {

    private final Map<String, Integer> given = new HashMap<>();

    /** The next name for a purpose. */
    public synchronized String next(String purpose) {
        return purpose + "-" + (given.merge(purpose, 1, Integer::sum) - 1);
    }
}
