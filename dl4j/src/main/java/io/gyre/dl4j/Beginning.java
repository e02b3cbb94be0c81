package io.gyre.dl4j;

/**
 * Where a run begins, as rank 0 sends it to the others.
 *
 * @param stateChecksum of the state in the checkpoint that it continues from, see {@link Checksums#ofState}; empty for
 *     a new run
 */
record Beginning(Progress progress, String stateChecksum) {

    private static final String CHECKSUM = "stateChecksum\t";

    static Beginning ofNewRun(Progress progress) {
        return new Beginning(progress, "");
    }

    boolean isResumed() {
        return !stateChecksum.isEmpty();
    }

    /** As {@link Progress#text}, with one more line. */
    String text() {
        return progress.text() + CHECKSUM + stateChecksum + "\n";
    }

    static Beginning parse(String text) {
        String checksum = text.lines()
                .filter(line -> line.startsWith(CHECKSUM))
                .map(line -> line.substring(CHECKSUM.length()))
                .findFirst()
                .orElse("");
        return new Beginning(Progress.parse(text), checksum);
    }
}
