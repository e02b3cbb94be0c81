package io.gyre.dl4j.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NativeCallsTest {

    private static final StackTraceElement OTHER_LINE = new StackTraceElement("a.Program", "main", "Program.java", 8);
    private static final StackTraceElement LINE = new StackTraceElement("a.Program", "main", "Program.java", 7);
    private static final StackTraceElement ADD =
            new StackTraceElement("org.nd4j.linalg.cpu.Executioner", "add", "Executioner.java", 40);
    private static final StackTraceElement ADD_LATER =
            new StackTraceElement("org.nd4j.linalg.cpu.Executioner", "add", "Executioner.java", 50);
    private static final StackTraceElement MULTIPLY =
            new StackTraceElement("org.nd4j.linalg.cpu.Executioner", "multiply", "Executioner.java", 60);
    private static final StackTraceElement NATIVE =
            new StackTraceElement("org.nd4j.linalg.cpu.nativecpu.bindings.Nd4jCpu", "exec", "Nd4jCpu.java", -2);

    private final NativeCalls calls = new NativeCalls();
    private final Thread thread = new Thread();
    private final Thread other = new Thread();

    /** Innermost frame first. */
    private long observe(StackTraceElement... stack) {
        return calls.observe(Map.of(thread, stack));
    }

    @Test
    void whoIsOutsideHoldsNothing() {
        assertThat(observe(LINE)).isZero();
        assertThat(observe(LINE)).isEqualTo(1);
        assertThat(observe()).isEqualTo(2);
    }

    @Test
    void aCallThatRanWhenTheFirstWereFoundKeepsThem() {
        assertThat(observe(NATIVE, ADD, LINE)).isEqualTo(-1);
        assertThat(observe(NATIVE, ADD, LINE)).isEqualTo(-1);
        assertThat(observe(NATIVE, ADD_LATER, LINE)).isEqualTo(-1);
        assertThat(observe(LINE)).isEqualTo(3);
    }

    @Test
    void theNextCallKeepsWhatWasFoundSince() {
        observe(NATIVE, ADD, LINE);
        assertThat(observe(NATIVE, ADD, OTHER_LINE)).isZero();
        assertThat(observe(NATIVE, ADD, OTHER_LINE)).isZero();
        assertThat(observe(NATIVE, MULTIPLY, OTHER_LINE)).isEqualTo(2);
    }

    @Test
    void aCallFromDeeperInTheProgramIsAnother() {
        observe(NATIVE, ADD, LINE);
        assertThat(observe(NATIVE, ADD, OTHER_LINE, LINE)).isZero();
    }

    @Test
    void whatTheCallCallsDoesNotMatter() {
        observe(NATIVE, ADD, LINE);
        assertThat(observe(ADD, LINE)).isEqualTo(-1);
        assertThat(observe(OTHER_LINE, ADD, LINE)).isEqualTo(-1);
    }

    @Test
    void theSlowestThreadDecides() {
        Map<Thread, StackTraceElement[]> stacks = new HashMap<>();
        stacks.put(thread, new StackTraceElement[] {NATIVE, ADD, LINE});
        stacks.put(other, new StackTraceElement[] {LINE});

        assertThat(calls.observe(stacks)).isEqualTo(-1);
        stacks.put(other, new StackTraceElement[] {NATIVE, MULTIPLY, LINE});
        assertThat(calls.observe(stacks)).isEqualTo(-1);
        assertThat(calls.slowest()).contains(thread.getName()).contains("add");
        stacks.remove(thread);
        // The other thread's second call began between the first two observations.
        assertThat(calls.observe(stacks)).isZero();
    }

    @Test
    void aThreadThatCameLaterHoldsWhatWasFoundSinceOnly() {
        calls.observe(Map.of());
        assertThat(observe(NATIVE, ADD, LINE)).isZero();
        assertThat(observe(NATIVE, ADD, LINE)).isZero();
    }

    @Test
    void threadsThatWaitForGarbageHoldNothing() {
        StackTraceElement remove = new StackTraceElement("java.lang.ref.ReferenceQueue", "remove", "x.java", 1);
        StackTraceElement run =
                new StackTraceElement("org.bytedeco.javacpp.Pointer$DeallocatorThread", "run", "Pointer.java", 1);

        assertThat(observe(remove, run)).isZero();
    }

    @Test
    void aCarrierHoldsWhatWasFoundUntilItIsSeenIdle() {
        StackTraceElement carries =
                new StackTraceElement("jdk.internal.vm.Continuation", "run", "Continuation.java", 251);

        assertThat(observe(carries, LINE)).isEqualTo(-1);
        assertThat(observe(carries, LINE)).isEqualTo(-1);
        assertThat(observe(LINE)).isEqualTo(2);
    }
}
