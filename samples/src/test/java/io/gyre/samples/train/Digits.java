package io.gyre.samples.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The training that all launchers start: LeNet, on real digits if {@code -Dgyre.digits=DIR} is there. */
final class Digits {

    private static final Path REAL = Path.of(System.getProperty("gyre.digits", "../../shared/data/mnist-10k"));

    private Digits() {}

    /** Sums are taken in the order of the ranks, whichever host they are on. */
    static String[] train(int steps, int batch, String... more) {
        List<String> words = new ArrayList<>(List.of("lenet", "--transport", "udp"));
        words.addAll(List.of("--steps", String.valueOf(steps), "--batch", String.valueOf(batch)));
        if (Files.isDirectory(REAL)) {
            words.addAll(List.of("--data", REAL.toAbsolutePath().normalize().toString()));
        }
        words.addAll(Arrays.asList(more));
        return words.toArray(String[]::new);
    }
}
