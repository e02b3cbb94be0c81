package io.gyre.dl4j.memory;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** JavaCPP's limit, on which the launcher's division of a host's memory relies. */
class JavaCppLimitTest {

    @Test
    void aProcessMayHaveFourTimesItsHeap() {
        assertThat(Pointer.maxPhysicalBytes())
                .isEqualTo(4 * Runtime.getRuntime().maxMemory());
    }
}
