package io.gyre.openblas;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.kernel.ArrayKernels;
import io.gyre.kernel.Kernels;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class FastKernelsTest {

    @Test
    void openBlasIsChosenWhereItIsAndEveryThreadGetsKernelsOfItsOwn() {
        Kernels one = FastKernels.choose();

        assertThat(one).isInstanceOf(OpenBlasKernels.class);
        assertThat(FastKernels.choose()).isNotSameAs(one);
    }

    @Test
    void withoutOpenBlasOnTheClassPathTheArraysDoIt() throws Exception {
        assertThat(chosenWithout(".*/bytedeco/openblas.*")).isEqualTo("Java arrays");
        assertThat(chosenWithout(".*javacpp.*")).isEqualTo("Java arrays");
    }

    @Test
    void withoutItsNativeLibraryTheArraysDoIt() throws Exception {
        assertThat(chosenWithout(".*openblas-[^/]*-[a-z]+-[a-z0-9_]+\\.jar")).isEqualTo("Java arrays");
    }

    /** The choice in this JVM by classes that see the class path without some of its jars. */
    private static String chosenWithout(String jars) throws ReflectiveOperationException, IOException {
        Pattern left = Pattern.compile(jars);
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> entries = List.of(classPath.split(Pattern.quote(File.pathSeparator)));
        assertThat(entries).anyMatch(left.asMatchPredicate());
        URL[] urls = entries.stream()
                .filter(left.asMatchPredicate().negate())
                .map(FastKernelsTest::url)
                .toArray(URL[]::new);
        try (URLClassLoader loader = new URLClassLoader(urls, ClassLoader.getPlatformClassLoader())) {
            Class<?> type = Class.forName(FastKernels.class.getName(), true, loader);
            return type.getMethod("choose").invoke(null).toString();
        }
    }

    private static URL url(String entry) {
        try {
            return Path.of(entry).toUri().toURL();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** As a library built to flush subnormal numbers to zero would. */
    @Test
    void kernelsThatLoseSubnormalNumbersAreNotTrusted() {
        Kernels right = new ArrayKernels();
        Kernels flushing = (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class}, (proxy, method, arguments) -> {
                    Object result = method.invoke(right, arguments);
                    flush((ByteBuffer) Arrays.stream(arguments)
                            .filter(ByteBuffer.class::isInstance)
                            .findFirst()
                            .orElseThrow());
                    return result;
                });

        assertThat(FastKernels.sumsRightly(right)).isTrue();
        assertThat(FastKernels.sumsRightly(flushing)).isFalse();
    }

    private static void flush(ByteBuffer sums) {
        for (int i = 0; i < sums.capacity(); i += Float.BYTES) {
            if (Math.abs(sums.getFloat(i)) < Float.MIN_NORMAL) {
                sums.putFloat(i, 0);
            }
        }
    }
}
