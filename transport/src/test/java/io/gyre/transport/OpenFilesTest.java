package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import org.junit.jupiter.api.Test;

class OpenFilesTest {

    @Test
    void aLimitThatWillBeReachedIsNamedWithWhatToDo() {
        assertThatThrownBy(() -> OpenFiles.require("rank 2", 40, 20, 48))
                .isInstanceOf(GyreException.class)
                .hasMessageStartingWith("rank 2 has 20 files open, may have 48, and is about to open 40 more: raise")
                .hasMessageContaining("ulimit -n 4096");
    }

    @Test
    void aLimitThatIsFarAwayOrUnknownIsNone() {
        assertThatCode(() -> OpenFiles.require("rank 2", 40, 20, 60)).doesNotThrowAnyException();
        assertThatCode(() -> OpenFiles.require("rank 2", 40, -1, -1)).doesNotThrowAnyException();
        assertThatCode(() -> OpenFiles.require("this process", 1)).doesNotThrowAnyException();
        assertThatThrownBy(() -> JvmRequirements.checkOpenFiles(1, 1 << 27))
                .isInstanceOf(GyreException.class)
                .hasMessageStartingWith("rank 1 has ");
    }
}
