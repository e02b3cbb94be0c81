package io.gyre.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegionTest {

    private static final int WINDOW = 16;

    /** Two and a half windows long; each byte holds its own offset. */
    private final Region region = Region.allocate("numbers", 40, WINDOW);

    RegionTest() {
        for (int i = 0; i < 40; i++) {
            region.window(i).put(region.windowOffset(i), (byte) i);
        }
    }

    @Test
    void memoryIsZeroedAndInNativeOrder() {
        Region fresh = Region.allocate("fresh", 40, WINDOW);

        for (int i = 0; i < 40; i += Long.BYTES) {
            assertThat(fresh.getDouble(i)).isZero();
        }
        assertThat(fresh.window(0).order()).isEqualTo(ByteOrder.nativeOrder());
        assertThat(fresh.window(0).isDirect()).isTrue();
    }

    @Test
    void aRegionMayBeEmpty() {
        Region empty = Region.allocate("empty", 0);

        assertThat(empty.byteLength()).isZero();
        assertThat(empty.slice(0, 0).byteLength()).isZero();
        assertThatCode(empty::clear).doesNotThrowAnyException();
        assertThat(Region.of("empty", null, List.of()).byteLength()).isZero();
    }

    @Test
    void contiguousBytesEndAtTheWindow() {
        assertThat(region.contiguous(0, 40)).isEqualTo(16);
        assertThat(region.contiguous(15, 40)).isEqualTo(1);
        assertThat(region.contiguous(16, 10)).isEqualTo(10);
        assertThat(region.slice(10, 30).contiguous(0, 30)).isEqualTo(6);
        assertThat(region.slice(10, 30).contiguous(6, 24)).isEqualTo(16);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void copiesCrossWindows(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 300; i++) {
            int from = random.nextInt(41);
            int length = random.nextInt(41 - from);
            int at = random.nextInt(5);
            ByteBuffer copy = ByteBuffer.allocate(50);

            region.slice(from, length).copyTo(0, copy, at, length);

            for (int k = 0; k < 50; k++) {
                assertThat(copy.get(k)).isEqualTo((byte) (k >= at && k < at + length ? from + k - at : 0));
            }
            Region back = Region.allocate("copy", 40, 8 * random.nextInt(1, 6));
            back.copyFrom(from, copy, at, length);
            for (int k = 0; k < 40; k++) {
                byte expected = (byte) (k >= from && k < from + length ? k : 0);
                assertThat(back.window(k).get(back.windowOffset(k))).isEqualTo(expected);
            }
        }
    }

    @Test
    void elementsKeepTheirPlaceInAllWindows() {
        for (int i = 0; i < 10; i++) {
            region.putFloat(4L * i, i + 0.5f);
        }
        for (int i = 0; i < 10; i++) {
            assertThat(region.getFloat(4L * i)).isEqualTo(i + 0.5f);
        }
        for (int i = 0; i < 5; i++) {
            region.putDouble(8L * i, i + 0.25);
        }
        for (int i = 0; i < 5; i++) {
            assertThat(region.getDouble(8L * i)).isEqualTo(i + 0.25);
        }
    }

    @Test
    void clearingASliceLeavesTheRest() {
        region.slice(10, 20).clear();

        for (int i = 0; i < 40; i++) {
            byte expected = (byte) (i >= 10 && i < 30 ? 0 : i);
            assertThat(region.window(i).get(region.windowOffset(i))).isEqualTo(expected);
        }
    }

    @Test
    void aSliceOfASliceSharesTheMemory() {
        Region slice = region.slice(8, 32).slice(8, 16);
        slice.putDouble(8, 2.5);

        assertThat(slice.byteLength()).isEqualTo(16);
        assertThat(slice.name()).isEqualTo("numbers");
        assertThat(region.getDouble(24)).isEqualTo(2.5);
    }

    @Test
    void offsetsOutsideAreRefusedWithTheNumbers() {
        ByteBuffer buffer = ByteBuffer.allocate(100);
        assertThatThrownBy(() -> region.slice(30, 11))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("region 'numbers' has 40 bytes; 11 bytes from 30 are outside");
        assertOutside(() -> region.slice(-1, 5));
        assertOutside(() -> region.slice(0, -1));
        assertOutside(() -> region.slice(41, 0));
        assertOutside(() -> region.slice(Long.MAX_VALUE, 2));
        assertOutside(() -> region.copyTo(35, buffer, 0, 6));
        assertOutside(() -> region.copyFrom(35, buffer, 0, 6));
        assertOutside(() -> region.getFloat(37));
        assertOutside(() -> region.putFloat(-4, 1));
        assertOutside(() -> region.getDouble(33));
        assertOutside(() -> region.putDouble(40, 1));
        assertOutside(() -> region.slice(8, 8).getDouble(1));
    }

    private static void assertOutside(ThrowingCallable use) {
        assertThatThrownBy(use).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void lengthsAndWindowsThatMakeNoSenseAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Region.allocate("less than nothing", -1))
                .withMessageContaining("less than nothing")
                .withMessageContaining("-1");
        assertThatIllegalArgumentException().isThrownBy(() -> Region.allocate("r", 10, 12));
        assertThatIllegalArgumentException().isThrownBy(() -> Region.allocate("r", 10, 0));
    }

    @Test
    void borrowedMemoryIsUsedWhereItLies() {
        ByteBuffer first = ByteBuffer.allocateDirect(16);
        ByteBuffer second = ByteBuffer.allocateDirect(8).position(3);
        Region borrowed = Region.of("borrowed", null, List.of(first, second));

        borrowed.putDouble(16, 1.5);

        assertThat(borrowed.byteLength()).isEqualTo(24);
        assertThat(second.order(ByteOrder.nativeOrder()).getDouble(0)).isEqualTo(1.5);
        assertThat(second.position()).as("the caller's own position").isEqualTo(3);
    }

    @Test
    void aSingleBorrowedWindowMayHaveAnyLength() {
        ByteBuffer three = ByteBuffer.allocateDirect(3);
        Region borrowed = Region.of("three bytes", null, List.of(three));

        borrowed.copyFrom(0, ByteBuffer.wrap(new byte[] {1, 2, 3}), 0, 3);

        assertThat(three.get(2)).isEqualTo((byte) 3);
    }

    @Test
    void windowsThatTheArithmeticCannotReachAreRefused() {
        assertRefused(ByteBuffer.allocate(16));
        assertRefused(ByteBuffer.allocateDirect(16).asReadOnlyBuffer());
        assertRefused(ByteBuffer.allocateDirect(16), ByteBuffer.allocateDirect(8), ByteBuffer.allocateDirect(8));
        assertRefused(ByteBuffer.allocateDirect(12), ByteBuffer.allocateDirect(12));
        assertRefused(ByteBuffer.allocateDirect(8), ByteBuffer.allocateDirect(16));
        assertRefused(ByteBuffer.allocateDirect(0), ByteBuffer.allocateDirect(0));
    }

    private static void assertRefused(ByteBuffer... windows) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Region.of("odd", null, List.of(windows)))
                .withMessageContaining("region 'odd'");
    }

    @Test
    void aRegionInUseCannotBeClosedAndSaysWhoUsesIt() {
        region.enter("all-reduce");

        assertThatIllegalStateException()
                .isThrownBy(region::close)
                .withMessage("region 'numbers' cannot be closed: all-reduce is using it; wait for it to end");

        region.exit();
        region.close();
    }

    @Test
    void aSliceInUseKeepsTheWholeOpen() {
        Region slice = region.slice(0, 8);
        slice.enter("broadcast");
        slice.enter("all-reduce");
        slice.exit();

        assertThatIllegalStateException().isThrownBy(region::close);

        slice.exit();
        region.close();
        assertThatIllegalStateException().isThrownBy(() -> slice.getFloat(0));
    }

    @Test
    void aClosedRegionRefusesEveryUse() {
        Region slice = region.slice(0, 8);
        ByteBuffer buffer = ByteBuffer.allocate(100);
        region.close();
        region.close();

        assertClosed(() -> region.enter("all-reduce"));
        assertClosed(() -> region.slice(0, 1));
        assertClosed(() -> region.copyTo(0, buffer, 0, 1));
        assertClosed(() -> region.copyFrom(0, buffer, 0, 1));
        assertClosed(() -> region.getFloat(0));
        assertClosed(() -> region.putFloat(0, 1));
        assertClosed(() -> region.getDouble(0));
        assertClosed(() -> region.putDouble(0, 1));
        assertClosed(region::clear);
        assertClosed(() -> slice.getFloat(0));
        assertClosed(() -> region.enter("all-reduce"));
    }

    private static void assertClosed(ThrowingCallable use) {
        assertThatIllegalStateException().isThrownBy(use).withMessageContaining("region 'numbers' is closed");
    }

    @Test
    void theOwnerOfBorrowedMemoryIsKeptUntilTheEnd() {
        Object owner = new Object();
        WeakReference<Object> watched = new WeakReference<>(owner);
        Region borrowed = Region.of("borrowed", owner, List.of(ByteBuffer.allocateDirect(8)));
        owner = null;

        System.gc();
        assertThat(watched.get()).as("owner while the region is open").isNotNull();

        borrowed.close();
        for (int i = 0; i < 50 && watched.get() != null; i++) {
            System.gc();
        }
        assertThat(watched.get()).as("owner after the region was closed").isNull();
    }
}
