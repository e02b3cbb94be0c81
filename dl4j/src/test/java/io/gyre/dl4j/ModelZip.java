package io.gyre.dl4j;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.buffer.DataType;

/** A zip of a model, taken apart and put together again with changes. */
final class ModelZip {

    private final Map<String, byte[]> entries = new LinkedHashMap<>();

    static ModelZip of(Model model) {
        ModelZip zip = new ModelZip();
        try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(written(model)))) {
            for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                zip.entries.put(entry.getName(), in.readAllBytes());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("an array in memory cannot be read", e);
        }
        return zip;
    }

    /** As {@code ModelSerializer} writes it. */
    static byte[] written(Model model) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            ModelSerializer.writeModel(model, bytes, true);
        } catch (IOException e) {
            throw new UncheckedIOException("an array in memory cannot be written", e);
        }
        return bytes.toByteArray();
    }

    ModelZip with(String name, byte[] content) {
        entries.put(name, content);
        return this;
    }

    ModelZip without(String name) {
        entries.remove(name);
        return this;
    }

    byte[] content(String name) {
        return entries.get(name);
    }

    ModelZip replaceInConfiguration(String old, String replacement) {
        String text = new String(entries.get("configuration.json"), StandardCharsets.UTF_8);
        return with("configuration.json", text.replace(old, replacement).getBytes(StandardCharsets.UTF_8));
    }

    byte[] bytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                out.putNextEntry(new ZipEntry(entry.getKey()));
                out.write(entry.getValue());
                out.closeEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("an array in memory cannot be written", e);
        }
        return bytes.toByteArray();
    }

    /**
     * An array of zeros as ND4J writes it, whose header may lie.
     *
     * @param shapeInfo rank, shape, strides, options, element-wise stride, order
     * @param length announced
     * @param bytes of values that follow
     */
    static byte[] array(long[] shapeInfo, DataType type, long length, int bytes) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(all)) {
            out.writeUTF("MIXED_DATA_TYPES");
            out.writeLong(shapeInfo.length);
            out.writeUTF("LONG");
            for (long word : shapeInfo) {
                out.writeLong(word);
            }
            out.writeUTF("MIXED_DATA_TYPES");
            out.writeLong(length);
            out.writeUTF(type.name());
            out.write(new byte[bytes]);
        } catch (IOException e) {
            throw new UncheckedIOException("an array in memory cannot be written", e);
        }
        return all.toByteArray();
    }
}
