package io.gyre.paramserver;

import io.gyre.paramserver.StrategyOptions.Kind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks that an option, if it is given, belongs to the strategy. */
final class OptionOwner {

    private OptionOwner() {}

    static void check(String option, @Nullable Object value, Kind kind, Kind... owners) {
        if (value != null && !List.of(owners).contains(kind)) {
            throw new IllegalArgumentException(
                    option + " " + value + " belongs to " + List.of(owners) + ", not to --strategy " + kind);
        }
    }

    /** The same for options of the strategy between groups. */
    static void checkBetween(String option, @Nullable Object value, Kind connecting, Kind... owners) {
        if (value != null && !List.of(owners).contains(connecting)) {
            Object ofOwners = owners.length == 1 ? owners[0] : List.of(owners);
            throw new IllegalArgumentException(
                    option + " " + value + " belongs to --between " + ofOwners + ", not to --between " + connecting);
        }
    }
}
