package io.gyre.samples.train;

import io.gyre.dl4j.Overlap;
import io.gyre.samples.model.SampleModel;
import io.gyre.transport.TransportMode;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads one of a few words, as {@code toString} spells them.
 *
 * @param <T> what the words stand for
 */
abstract class Word<T> implements ITypeConverter<T> {

    private final List<T> choices;

    Word(T[] choices) {
        this.choices = Arrays.asList(choices);
    }

    @Override
    public T convert(String text) {
        for (T choice : choices) {
            if (choice.toString().equals(text)) {
                return choice;
            }
        }
        throw new TypeConversionException(
                "'" + text + "' is none of " + choices.stream().map(T::toString).collect(Collectors.joining(", ")));
    }

    /** A model. */
    static final class OfModel extends Word<SampleModel> {
        OfModel() {
            super(SampleModel.values());
        }
    }

    /** A strategy. */
    static final class OfStrategy extends Word<TrainOptions.Strategy> {
        OfStrategy() {
            super(TrainOptions.Strategy.values());
        }
    }

    /** What is between groups. */
    static final class OfBetween extends Word<ServerOptions.Between> {
        OfBetween() {
            super(ServerOptions.Between.values());
        }
    }

    /** A backend. */
    static final class OfBackend extends Word<TrainOptions.Backend> {
        OfBackend() {
            super(TrainOptions.Backend.values());
        }
    }

    /** A transport. */
    static final class OfTransport extends Word<TransportMode> {
        OfTransport() {
            super(TransportMode.values());
        }
    }

    /** When gradients are exchanged. */
    static final class OfOverlap extends Word<Overlap> {
        OfOverlap() {
            super(Overlap.values());
        }
    }
}
