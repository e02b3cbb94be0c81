package io.gyre.samples.train;

import io.gyre.GyreException;
import io.gyre.OptionRange;
import io.gyre.live.LiveAddress;
import io.gyre.live.LivePage;
import io.gyre.runs.RunFiles;
import java.util.Stack;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** The options of {@code gyre train} for the page that shows the run. */
final class LiveOptions {

    private static final Logger LOG = LoggerFactory.getLogger(LiveOptions.class);

    @Option(
            names = "--live",
            arity = "0..1",
            parameterConsumer = OptionalPort.class,
            paramLabel = "PORT",
            description = "Show the run in a browser, at this port of rank 0's host or any free one; of this host with"
                    + " --restarts, --processes, --spares or --min-processes.")
    private @Nullable Integer port;

    @Option(
            names = "--live-bind",
            paramLabel = "ADDRESS",
            description = "An address of rank 0's host where the page listens, with a token. Default: for programs of"
                    + " that host.")
    private @Nullable String bind;

    /** The next word is the port only if it is a number: {@code --live lenet} names the model. */
    static final class OptionalPort implements IParameterConsumer {
        @Override
        public void consumeParameters(Stack<String> words, ArgSpec option, CommandSpec command) {
            option.setValue(!words.isEmpty() && words.peek().matches("\\d{1,9}") ? Integer.valueOf(words.pop()) : 0);
        }
    }

    /**
     * Fails if the options contradict others.
     *
     * @param isKept whether the run has a directory, which the page reads
     * @throws IllegalArgumentException with the option and its value
     */
    void check(boolean isKept) {
        if (bind != null && port == null) {
            throw new IllegalArgumentException("--live-bind " + bind + " needs --live");
        }
        if (port != null) {
            OptionRange.check("--live", port, 0, 65_535);
            if (!isKept) {
                throw new IllegalArgumentException("--live shows what the run directory holds, and this run has none:"
                        + " leave out --no-run-dir");
            }
        }
    }

    /**
     * Opens the page, on rank 0 or in the launcher of a run with seats; null if it is not asked for, or cannot be: the
     * run trains without it.
     */
    @Nullable LivePage open(RunFiles files) {
        if (port == null) {
            return null;
        }
        try {
            LiveAddress address = bind == null ? LiveAddress.loopback(port) : LiveAddress.of("--live-bind", bind, port);
            LivePage page = LivePage.open(files, address);
            System.out.println("the run is shown at " + page.url());
            return page;
        } catch (GyreException | IllegalArgumentException e) {
            LOG.warn("{}. The training goes on; gyre live {} shows it, too", e.getMessage(), files.directory());
            return null;
        }
    }
}
