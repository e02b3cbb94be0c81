package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProgressBarTest {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final AtomicInteger columns = new AtomicInteger();
    private final ProgressBar bar =
            new ProgressBar(new PrintStream(bytes, true, StandardCharsets.UTF_8), columns::get, "lenet", 0, 2_000);

    private List<String> drawings() {
        return List.of(bytes.toString(StandardCharsets.UTF_8).substring(4).split("\r\033\\[J", -1));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 10, 20, 40, 60, 79, 80, 81, 132, 200, 500})
    void aLineNeverFillsTheTerminal(int width) {
        columns.set(width);
        for (long step : new long[] {1, 999, 2_000}) {
            bar.show(step, Duration.ofSeconds(3_700), "loss 0.1234", "12,345 images/s");
        }

        assertThat(drawings()).hasSize(3).allSatisfy(drawing -> {
            assertThat(drawing).endsWith("\r").doesNotContain("\n");
            assertThat(drawing.length() - 1).isLessThan(width);
        });
    }

    @Test
    void theLineHasTheWidthThatTheTerminalHasAtThatMoment() {
        for (int width : new int[] {80, 40, 20, 200}) {
            columns.set(width);
            bar.show(1_000, Duration.ofSeconds(62), "loss 0.1234", "345 images/s");
        }

        assertThat(drawings())
                .containsExactly(
                        "lenet [======>      ] 50% 1,000/2,000 0:01:02/0:02:04 loss 0.1234, 345 images/s\r",
                        "lenet [=======>       ] 50% loss 0.1234\r",
                        "50% loss 0.1234\r",
                        "lenet [==============================>                             ] 50% 1,000/2,000"
                                + " 0:01:02/0:02:04 loss 0.1234, 345 images/s\r");
    }

    @Test
    void nothingIsDrawnAfterItsEndAndTheNextLineBeginsBelow() {
        columns.set(30);
        bar.show(2_000, Duration.ofSeconds(1), "loss 0.1");

        bar.close();
        bar.close();

        assertThat(bytes.toString(StandardCharsets.UTF_8)).endsWith("loss 0.1\r" + System.lineSeparator());
    }
}
