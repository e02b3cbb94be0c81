package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The parts of ND4J CUDA that {@link Nd4jCudaMemory} uses have not changed; without a GPU no other test would notice.
 */
class Nd4jCudaMemoryTest {

    private static final String ALLOCATOR = "org.nd4j.jita.allocator.impl.AtomicAllocator";
    private static final String POINT = "org.nd4j.jita.allocator.impl.AllocationPoint";
    private static final String CONTEXT = "org.nd4j.linalg.jcublas.context.CudaContext";
    private static final String STREAM = "org.nd4j.jita.allocator.pointers.cuda.cudaStream_t";

    private static URLClassLoader nd4jCuda;

    @BeforeAll
    static void openJar() throws Exception {
        Path jar = Path.of(System.getProperty("gyre.nd4j.cuda.jar"));
        assertThat(jar.getFileName()).hasToString("nd4j-cuda-11.6-1.0.0-M2.1.jar");
        nd4jCuda = new URLClassLoader(new URL[] {jar.toUri().toURL()}, Nd4jCudaMemoryTest.class.getClassLoader());
    }

    @AfterAll
    static void closeJar() throws Exception {
        nd4jCuda.close();
    }

    /** Loaded but not initialised: initialisation would look for a GPU. */
    private static Class<?> type(String name) throws ClassNotFoundException {
        return Class.forName(name, false, nd4jCuda);
    }

    private static void assertReturns(Class<?> result, String type, String method, Class<?>... parameters)
            throws Exception {
        assertThat(type(type).getMethod(method, parameters).getReturnType()).isEqualTo(result);
    }

    @Test
    void theMethodsOfTheAllocator() throws Exception {
        assertReturns(type(ALLOCATOR), ALLOCATOR, "getInstance");
        assertThat(Modifier.isStatic(type(ALLOCATOR).getMethod("getInstance").getModifiers()))
                .isTrue();
        assertReturns(Integer.class, ALLOCATOR, "getDeviceId", INDArray.class);
        assertReturns(type(CONTEXT), ALLOCATOR, "getDeviceContext");
        assertReturns(Pointer.class, ALLOCATOR, "getPointer", INDArray.class, type(CONTEXT));
        assertReturns(void.class, ALLOCATOR, "tickDeviceWrite", INDArray.class);
        assertReturns(type(POINT), ALLOCATOR, "getAllocationPoint", INDArray.class);
        assertReturns(boolean.class, POINT, "isActualOnDeviceSide");
    }

    @Test
    void theMethodsOfTheContext() throws Exception {
        assertReturns(type(STREAM), CONTEXT, "getOldStream");
        assertReturns(type(STREAM), CONTEXT, "getSpecialStream");
        assertThat(Pointer.class).isAssignableFrom(type(STREAM));
    }
}
