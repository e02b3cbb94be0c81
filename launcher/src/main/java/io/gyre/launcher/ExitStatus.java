package io.gyre.launcher;

/** Exit statuses in words. */
final class ExitStatus {

    /** Status of ssh if it failed itself, and also if a signal ended the program that it ran. */
    static final int OF_SSH = 255;

    /** A shell adds this to the number of the signal that ended a process, and so does Java. */
    private static final int SIGNALLED = 128;

    /** Status of a process ended by SIGTERM. */
    static final int TERMINATED = SIGNALLED + 15;

    private ExitStatus() {}

    static boolean isSignal(int status) {
        return status > SIGNALLED;
    }

    static int ofSignal(int number) {
        return SIGNALLED + number;
    }

    /** As {@code 137 (killed)}. Names only the signals whose numbers are the same on all systems. */
    static String words(int status) {
        String meaning = switch (status - SIGNALLED) {
            case 1 -> " (hung up)";
            case 2 -> " (interrupted)";
            case 3 -> " (quit)";
            case 6 -> " (aborted)";
            case 9 -> " (killed)";
            case 11 -> " (segmentation fault)";
            case 15 -> " (terminated)";
            default -> "";
        };
        return status + meaning;
    }
}
