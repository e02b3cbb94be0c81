package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenedTest {

    @Test
    void theLastIsClosedFirstAndEachOnce() {
        List<String> closed = new ArrayList<>();
        Opened opened = new Opened();
        opened.onClose(() -> closed.add("first"));
        opened.onClose(() -> closed.add("second"));

        opened.close();
        opened.close();

        assertThat(closed).containsExactly("second", "first");
    }

    @Test
    void oneThatFailsDoesNotKeepTheOthersOpen() {
        List<String> closed = new ArrayList<>();
        Opened opened = new Opened();
        opened.onClose(() -> closed.add("first"));
        opened.onClose(() -> {
            throw new IllegalStateException("second");
        });
        opened.onClose(() -> {
            throw new IllegalStateException("third");
        });

        assertThatThrownBy(opened::close)
                .hasMessage("third")
                .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
        assertThat(closed).containsExactly("first");
    }
}
