package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompileResult;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels as shipped: they match their source, and NVIDIA's own compiler accepts them. */
class PtxTest {

    private static final byte[] PTX = CudaKernels.resource(CudaKernels.PTX);
    private static final String TEXT = new String(PTX, StandardCharsets.US_ASCII);

    @BeforeAll
    static void prepare() {
        new NativeLibraries(Path.of(System.getProperty("java.io.tmpdir"))).prepare("JNvPTXCompiler");
    }

    @Test
    void itIsMadeOfTheSourceBesideIt() throws Exception {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(CudaKernels.resource(CudaKernels.SOURCE));
        assertThat(TEXT.lines().findFirst().orElseThrow())
                .as("run make-ptx after a change of the source")
                .isEqualTo(
                        "// " + CudaKernels.SOURCE + " sha256 " + HexFormat.of().formatHex(hash));
    }

    @Test
    void itAsksForNothingNewerThanMaxwellAndCuda8() {
        assertThat(TEXT).contains(".version 5.0\n").contains(".target sm_50\n");
    }

    @Test
    void everyKernelOfTheSourceIsThere() {
        String source = new String(CudaKernels.resource(CudaKernels.SOURCE), StandardCharsets.US_ASCII);
        List<String> names = names(Pattern.compile("__global__ void ([a-z0-9_]+)\\("), source);
        assertThat(names(Pattern.compile("\\.entry ([a-z0-9_]+)\\("), TEXT))
                .containsExactlyInAnyOrderElementsOf(names)
                .contains("sum_f32", "sum_f64", "not_finite_f32", "not_finite_f64");
    }

    private static List<String> names(Pattern pattern, String text) {
        return pattern.matcher(text).results().map(result -> result.group(1)).collect(Collectors.toList());
    }

    @ParameterizedTest
    @ValueSource(ints = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90})
    void itCompilesForEveryArchitecture(int architecture) {
        nvPTXCompilerHandle compiler = new nvPTXCompilerHandle();
        byte[] text = Arrays.copyOf(PTX, PTX.length + 1);
        assertThat(JNvPTXCompiler.nvPTXCompilerCreate(compiler, text.length, text))
                .isZero();
        try {
            int result =
                    JNvPTXCompiler.nvPTXCompilerCompile(compiler, 1, new String[] {"--gpu-name=sm_" + architecture});
            assertThat(result).as(nvPTXCompileResult.stringFor(result)).isZero();
            long[] size = new long[1];
            JNvPTXCompiler.nvPTXCompilerGetCompiledProgramSize(compiler, size);
            assertThat(size[0]).isPositive();
        } finally {
            JNvPTXCompiler.nvPTXCompilerDestroy(compiler);
        }
    }
}
