package io.gyre.dl4j.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.common.base.Preconditions;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.cpu.nativecpu.CpuBackend;

/** {@link NativeCalls} knows every class of ND4J and Deeplearning4j that takes the address of an array's memory. */
class AddressTakersTest {

    private static final Set<String> GIVE_ADDRESSES = Set.of(
            "address",
            "addressPointer",
            "asNio",
            "asNioDouble",
            "asNioFloat",
            "getHostPointer",
            "getOpaqueDataBuffer",
            "getPointer",
            "hostPointer",
            "indexer",
            "opaqueBuffer",
            "platformAddress",
            "pointer",
            "primaryBuffer",
            "specialBuffer");

    private static Path jarOf(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    @Test
    void allAreKnown() throws Exception {
        Set<String> takers = new TreeSet<>();
        takers.addAll(takersIn(jarOf(INDArray.class)));
        takers.addAll(takersIn(jarOf(Preconditions.class)));
        takers.addAll(takersIn(jarOf(CpuBackend.class)));
        takers.addAll(takersIn(Path.of(System.getProperty("gyre.nd4j.cuda.jar"))));
        takers.addAll(takersIn(jarOf(MultiLayerNetwork.class)));

        assertThat(takers).hasSizeGreaterThan(40).contains("org.nd4j.linalg.cpu.nativecpu.ops.NativeOpExecutioner");
        assertThat(takers).allMatch(NativeCalls::mayHoldAddress);
    }

    private static Set<String> takersIn(Path path) throws IOException {
        Set<String> takers = new TreeSet<>();
        try (JarFile jar = new JarFile(path.toFile())) {
            for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
                if (entry.getName().endsWith(".class") && !entry.getName().startsWith("META-INF")) {
                    try (DataInputStream in = new DataInputStream(jar.getInputStream(entry))) {
                        if (takesAddresses(in)) {
                            takers.add(entry.getName()
                                    .substring(0, entry.getName().length() - ".class".length())
                                    .replace('/', '.'));
                        }
                    }
                }
            }
        }
        return takers;
    }

    /** Reads the constant pool of a class file (JVM specification, 4.4), which contains the methods that it calls. */
    private static boolean takesAddresses(DataInputStream in) throws IOException {
        in.skipNBytes(8);
        int count = in.readUnsignedShort();
        String[] texts = new String[count];
        int[] first = new int[count];
        int[] second = new int[count];
        boolean[] method = new boolean[count];
        for (int i = 1; i < count; i++) {
            int tag = in.readUnsignedByte();
            switch (tag) {
                case 1 -> texts[i] = in.readUTF();
                case 7, 8, 16, 19, 20 -> first[i] = in.readUnsignedShort();
                case 9, 10, 11, 12, 17, 18 -> {
                    first[i] = in.readUnsignedShort();
                    second[i] = in.readUnsignedShort();
                    method[i] = tag == 10 || tag == 11;
                }
                case 3, 4 -> in.skipNBytes(4);
                case 15 -> in.skipNBytes(3);
                case 5, 6 -> {
                    in.skipNBytes(8);
                    i++;
                }
                default -> throw new IOException("unknown constant " + tag);
            }
        }
        for (int i = 1; i < count; i++) {
            if (method[i]) {
                String owner = texts[first[first[i]]];
                if ((owner.startsWith("org/nd4j/") || owner.startsWith("org/bytedeco/"))
                        && GIVE_ADDRESSES.contains(texts[first[second[i]]])) {
                    return true;
                }
            }
        }
        return false;
    }
}
