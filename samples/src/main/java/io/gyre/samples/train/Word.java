package io.gyre.samples.train;

import io.gyre.allreduce.Algorithm;
import io.gyre.dl4j.Overlap;
import io.gyre.dl4j.ShardedUpdate;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.samples.model.SampleModel;
import io.gyre.transport.TransportMode;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads one of a few words, as spelled by {@code toString}.
 *
 * @param <T> what the words stand for
 */
abstract class Word<T> implements ITypeConverter<T> {

    private final List<T> choices;

    Word(T[] choices) {
        this(Arrays.asList(choices));
    }

    Word(List<T> choices) {
        this.choices = choices;
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

    /** Reads a model. */
    static final class OfModel extends Word<SampleModel> {
        OfModel() {
            super(SampleModel.values());
        }
    }

    /** Reads a strategy. */
    static final class OfStrategy extends Word<StrategyOptions.Kind> {
        OfStrategy() {
            super(StrategyOptions.Kind.values());
        }
    }

    /** Reads the strategy between groups. */
    static final class OfBetween extends Word<StrategyOptions.Kind> {
        OfBetween() {
            super(StrategyOptions.Kind.BETWEEN_GROUPS);
        }
    }

    /** Reads a backend. */
    static final class OfBackend extends Word<TrainOptions.Backend> {
        OfBackend() {
            super(TrainOptions.Backend.values());
        }
    }

    /** Reads an all-reduce algorithm. */
    static final class OfAlgorithm extends Word<Algorithm> {
        OfAlgorithm() {
            super(Algorithm.values());
        }
    }

    /** Reads a transport. */
    static final class OfTransport extends Word<TransportMode> {
        OfTransport() {
            super(TransportMode.values());
        }
    }

    /** Reads when gradients are exchanged. */
    static final class OfOverlap extends Word<Overlap> {
        OfOverlap() {
            super(Overlap.values());
        }
    }

    /** Reads whether ranks divide the update. */
    static final class OfShardedUpdate extends Word<ShardedUpdate> {
        OfShardedUpdate() {
            super(ShardedUpdate.values());
        }
    }

    /** Reads whether something is done. */
    static final class OfSwitch extends Word<TrainOptions.Switch> {
        OfSwitch() {
            super(TrainOptions.Switch.values());
        }
    }
}
