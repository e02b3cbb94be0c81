package io.gyre.kernel;

import java.util.List;
import java.util.function.Supplier;

/** The codecs that a word names: {@code NAME[:PARAMETER]}. */
public final class GradientCodecs {

    private static final List<String> NAMES = List.of(Bfloat16Codec.NAME, Float16Codec.NAME);

    private GradientCodecs() {}

    /**
     * Finds a codec; each rank makes its own.
     *
     * @param word name, and after a colon its parameter, if it has one
     * @throws IllegalArgumentException with the names that exist
     */
    public static Supplier<GradientCodec> of(String word) {
        int colon = word.indexOf(':');
        String name = colon < 0 ? word : word.substring(0, colon);
        Supplier<GradientCodec> codec = switch (name) {
            case Bfloat16Codec.NAME -> Bfloat16Codec::new;
            case Float16Codec.NAME -> Float16Codec::new;
            default -> throw new IllegalArgumentException("'" + word + "' is none of " + String.join(", ", NAMES));
        };
        if (colon >= 0) {
            throw new IllegalArgumentException("'" + word + "': " + name + " has no parameter");
        }
        return codec;
    }
}
