package io.gyre.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class OpenBoxesTest {

    /** Tests log to standard error. */
    @Test
    void boxesThatAreInUseWhenTheirSessionClosesAreOneLineOfTheLog() throws InterruptedException {
        PrintStream before = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            Gyre.local(1).run(session -> {
                for (int i = 0; i < 3; i++) {
                    session.endpoint().boxes().create("box-" + i, 64).region().enter("a trainer");
                }
            });
        } finally {
            System.setErr(before);
        }

        assertThat(log.toString(StandardCharsets.UTF_8).lines())
                .singleElement()
                .asString()
                .contains("rank 0: ", "(and 2 more): memory stays until the process ends. Close what uses it");
    }
}
