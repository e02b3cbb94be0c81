package io.gyre.runs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostEnergyTest {

    @TempDir
    private Path root;

    private void counter(String zone, long microjoules) throws IOException {
        Path directory = Files.createDirectories(root.resolve(zone));
        Files.writeString(directory.resolve("energy_uj"), microjoules + "\n");
        Files.writeString(directory.resolve("max_energy_range_uj"), "10000000\n");
    }

    @Test
    void packagesAreAddedUpAndTheirPartsAreNot() throws IOException {
        counter("intel-rapl:0", 1_000_000);
        counter("intel-rapl:1", 9_000_000);
        counter("intel-rapl:0:0", 0);
        HostEnergy energy = new HostEnergy(root);

        counter("intel-rapl:0", 3_000_000);
        // It has started again from 0.
        counter("intel-rapl:1", 500_000);
        counter("intel-rapl:0:0", 5_000_000);
        energy.sample();

        assertThat(energy.joules()).hasValue(2 + 1.5);
    }

    @Test
    void aHostThatDoesNotTellHasNoResult() throws IOException {
        assertThat(new HostEnergy(root.resolve("nowhere")).joules()).isEmpty();
        counter("intel-rapl:0", 1);
        Files.delete(root.resolve("intel-rapl:0/energy_uj"));
        HostEnergy energy = new HostEnergy(root);
        energy.sample();

        assertThat(energy.joules()).isEmpty();
    }
}
