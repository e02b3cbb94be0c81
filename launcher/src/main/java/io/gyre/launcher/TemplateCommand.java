package io.gyre.launcher;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code gyre template}: the script or manifest with which another launcher starts the ranks of a program. */
@Command(
        name = "template",
        description = "Prints the script or manifest with which another launcher starts the ranks of a program.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class TemplateCommand implements Callable<Integer> {

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Mixin
    private final TemplateOptions options = new TemplateOptions();

    @Override
    public Integer call() {
        options.check();
        String text = switch (options.launcher()) {
            case "slurm" -> ScriptTemplate.slurm(options);
            case "mpi" -> ScriptTemplate.mpi(options);
            case "kubernetes" -> ManifestTemplate.kubernetes(options);
            case "jobset" -> ManifestTemplate.jobSet(options);
            case "spark" -> ScriptTemplate.spark(options);
            default ->
                throw new ParameterException(
                        specification.commandLine(),
                        "launcher '" + options.launcher() + "' is unknown: slurm, mpi, kubernetes, jobset or spark");
        };
        specification.commandLine().getOut().print(text);
        specification.commandLine().getOut().flush();
        return 0;
    }
}
