package io.gyre.runs;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * The words of a command of {@code gyre}, taken apart, so that a fork can change some of its options.
 *
 * @param positionals words that are no options, such as a model
 * @param options values by the option's longest name; an option without a value has none
 */
public record CommandWords(List<String> positionals, Map<String, List<String>> options) {

    /** Either of these replaces the other. */
    private static final Set<String> LENGTH = Set.of("--epochs", "--steps");

    /**
     * Takes words apart.
     *
     * @param command specification of the command, which says which options have values
     * @param words after the command's name; nothing need be complete
     * @throws IllegalArgumentException if there is no such option, or a value is missing or of another kind
     */
    public static CommandWords of(CommandSpec command, List<String> words) {
        // A new object, as parsing sets the options of the one that it has.
        CommandSpec own = CommandSpec.forAnnotatedObject(command.userObject().getClass());
        own.parser().collectErrors(true);
        CommandLine line = new CommandLine(own).setExpandAtFiles(false);
        ParseResult parsed = line.parseArgs(words.toArray(String[]::new));
        for (Exception error : parsed.errors()) {
            if (!lacksPositionalsOnly(error)) {
                throw new IllegalArgumentException(error.getMessage(), error);
            }
        }
        Map<String, List<String>> options = new LinkedHashMap<>();
        for (OptionSpec option : parsed.matchedOptions()) {
            boolean isFlag = option.arity().max() == 0;
            options.put(option.longestName(), isFlag ? List.of() : option.originalStringValues());
        }
        List<String> positionals = new ArrayList<>();
        parsed.matchedPositionals().forEach(positional -> positionals.addAll(positional.originalStringValues()));
        return new CommandWords(positionals, options);
    }

    private static boolean lacksPositionalsOnly(Exception error) {
        return error instanceof MissingParameterException missing
                && missing.getMissing().stream().noneMatch(ArgSpec::isOption);
    }

    /** These words with some options changed or added; given positionals replace these. */
    public CommandWords with(CommandWords changes) {
        Map<String, List<String>> merged = new LinkedHashMap<>(options);
        if (changes.options().keySet().stream().anyMatch(LENGTH::contains)) {
            LENGTH.forEach(merged::remove);
        }
        merged.putAll(changes.options());
        return new CommandWords(changes.positionals().isEmpty() ? positionals : changes.positionals(), merged);
    }

    /** These words without some options. */
    public CommandWords without(Set<String> names) {
        Map<String, List<String>> rest = new LinkedHashMap<>(options);
        rest.keySet().removeAll(names);
        return new CommandWords(positionals, rest);
    }

    /** In one order: positionals, then options. */
    public List<String> words() {
        List<String> words = new ArrayList<>(positionals);
        options.forEach((name, values) -> {
            if (values.isEmpty()) {
                words.add(name);
            }
            for (String value : values) {
                words.add(name);
                words.add(value);
            }
        });
        return words;
    }
}
