package io.gyre.launcher;

import java.util.List;

/** Runs {@link RankProgram} in two ranks, of which rank 0 has the terminal if there is one. */
final class TerminalMain {

    private TerminalMain() {}

    public static void main(String[] arguments) throws Exception {
        JavaProgram program = JavaProgram.mainClass(RankProgram.class.getName(), List.of(arguments));
        LaunchPlan plan = LaunchPlan.of(program, 2).withRootOnTerminal();
        System.exit(new Launcher(plan, System.out, System.err).run().exitStatus());
    }
}
