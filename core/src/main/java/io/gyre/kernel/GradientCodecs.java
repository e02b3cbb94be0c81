package io.gyre.kernel;

import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

/** The codecs that a word names: {@code NAME[:PARAMETER]}. */
public final class GradientCodecs {

    private static final List<String> NAMES = List.of(
            Bfloat16Codec.NAME,
            Float16Codec.NAME,
            Int8Codec.NAME + "[:BLOCK]",
            OneBitCodec.NAME,
            TopKCodec.NAME + ":FRACTION",
            RandomKCodec.NAME + ":FRACTION",
            ThresholdCodec.NAME + ":VALUE");

    /** It is for whole matrices, and no function of a piece. */
    private static final String OF_MATRICES = "powersgd";

    private GradientCodecs() {}

    /**
     * Finds a codec; each rank makes its own.
     *
     * @param word name, and after a colon its parameter, if it has one
     * @throws IllegalArgumentException with the names that exist, or what is wrong with the parameter
     */
    public static Supplier<GradientCodec> of(String word) {
        int colon = word.indexOf(':');
        String name = colon < 0 ? word : word.substring(0, colon);
        String parameter = colon < 0 ? "" : word.substring(colon + 1);
        Supplier<GradientCodec> codec = switch (name) {
            case Bfloat16Codec.NAME -> Bfloat16Codec::new;
            case Float16Codec.NAME -> Float16Codec::new;
            case OneBitCodec.NAME -> OneBitCodec::new;
            case Int8Codec.NAME -> int8(word, colon < 0 ? String.valueOf(Int8Codec.BLOCK) : parameter);
            case TopKCodec.NAME -> topK(number(word, parameter));
            case RandomKCodec.NAME -> randomK(number(word, parameter));
            case ThresholdCodec.NAME -> threshold(number(word, parameter));
            case OF_MATRICES ->
                throw new IllegalArgumentException("'" + word + "' needs the shapes of layers, and is no codec:"
                        + " it is the option powerSgd of a trainer with the default strategy. Give that, or one of "
                        + String.join(", ", NAMES));
            default -> throw new IllegalArgumentException("'" + word + "' is none of " + String.join(", ", NAMES));
        };
        if (colon >= 0 && NAMES.contains(name)) {
            throw new IllegalArgumentException("'" + word + "': " + name + " has no parameter");
        }
        try {
            Objects.requireNonNull(codec.get(), name);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + word + "': " + e.getMessage(), e);
        }
        return codec;
    }

    private static Supplier<GradientCodec> int8(String word, String parameter) {
        int block;
        try {
            block = Integer.parseInt(parameter);
        } catch (NumberFormatException e) {
            throw noNumber(word, parameter, e);
        }
        return () -> new Int8Codec(block);
    }

    private static Supplier<GradientCodec> topK(double fraction) {
        return () -> new TopKCodec(fraction);
    }

    private static Supplier<GradientCodec> randomK(double fraction) {
        return () -> new RandomKCodec(fraction);
    }

    private static Supplier<GradientCodec> threshold(double value) {
        return () -> new ThresholdCodec((float) value);
    }

    private static double number(String word, String parameter) {
        try {
            return Double.parseDouble(parameter);
        } catch (NumberFormatException e) {
            throw noNumber(word, parameter, e);
        }
    }

    private static IllegalArgumentException noNumber(String word, String parameter, NumberFormatException e) {
        return new IllegalArgumentException(
                "'" + word + "': its parameter '" + parameter + "' is no number; give one of "
                        + String.join(", ", NAMES),
                e);
    }
}
