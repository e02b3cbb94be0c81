package io.gyre.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A secret that must not appear in what a run leaves behind: neither as it is nor in an encoding, neither whole nor
 * half.
 */
public final class Canary {

    private static final int BLOCK = 1 << 20;

    /** Longest form of a half: signed decimals with commas. */
    private static final int OVERLAP = 1 << 10;

    private final Map<String, String> forms = new LinkedHashMap<>();

    /**
     * Names what to look for.
     *
     * @param secret at least 32 bytes
     */
    public Canary(byte[] secret) {
        if (secret.length < 32) {
            throw new IllegalArgumentException(secret.length + " bytes may be found by chance: at least 32 are needed");
        }
        addForms("first half", Arrays.copyOf(secret, secret.length / 2));
        addForms("second half", Arrays.copyOfRange(secret, secret.length / 2, secret.length));
    }

    private void addForms(String which, byte[] part) {
        forms.put(which + ", raw", new String(part, StandardCharsets.ISO_8859_1));
        forms.put(which + ", decoded as UTF-8", utf8(new String(part, StandardCharsets.UTF_8)));
        forms.put(which + ", hex", HexFormat.of().formatHex(part));
        forms.put(which + ", upper-case hex", HexFormat.of().withUpperCase().formatHex(part));
        for (String between : List.of(" ", ":")) {
            forms.put(which + ", hex with '" + between + "'", HexFormat.ofDelimiter(between).formatHex(part));
        }
        String decimals = Arrays.toString(part);
        forms.put(which + ", decimal", decimals.substring(1, decimals.length() - 1));
        for (int before = 0; before < 3; before++) {
            forms.put(which + ", base64 after " + before, base64(Base64.getEncoder(), part, before));
            forms.put(which + ", URL base64 after " + before, base64(Base64.getUrlEncoder(), part, before));
        }
    }

    private static String utf8(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    /** The characters that do not depend on what stands before and after it: three of them are four characters. */
    private static String base64(Base64.Encoder encoder, byte[] part, int before) {
        byte[] shifted = new byte[before + part.length];
        System.arraycopy(part, 0, shifted, before, part.length);
        String text = encoder.withoutPadding().encodeToString(shifted);
        return text.substring((before * 4 + 2) / 3, shifted.length * 8 / 6);
    }

    /** The forms in which these bytes contain it; empty if they do not. */
    public List<String> formsIn(byte[] content) {
        String text = new String(content, StandardCharsets.ISO_8859_1);
        return forms.entrySet().stream()
                .filter(form -> text.contains(form.getValue()))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** As {@link #formsIn(byte[])}, for a text. */
    public List<String> formsIn(String text) {
        return formsIn(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Searches files. What has been removed meanwhile contains nothing.
     *
     * @param place a file, or a directory with all that is in it
     * @return file and form of each find
     */
    public List<String> findsIn(Path place) throws IOException {
        List<String> finds = new ArrayList<>();
        try (Stream<Path> files = Files.walk(place)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                for (String form : formsInFile(file)) {
                    finds.add(file + ": " + form);
                }
            }
        }
        return finds;
    }

    /**
     * Searches the arguments and the environments of all running processes, as far as this user may see them.
     *
     * @return file and form of each find
     */
    public List<String> findsInProcesses() {
        List<String> finds = new ArrayList<>();
        ProcessHandle.allProcesses().forEach(process -> {
            for (String what : List.of("cmdline", "environ")) {
                Path file = Path.of("/proc", String.valueOf(process.pid()), what);
                formsIn(contents(file)).forEach(form -> finds.add(file + ": " + form));
            }
        });
        return finds;
    }

    /** Nothing, if the process has ended meanwhile, or is another user's. */
    private static byte[] contents(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            return new byte[0];
        }
    }

    private List<String> formsInFile(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] window = new byte[OVERLAP + BLOCK];
            int kept = 0;
            for (int n = in.readNBytes(window, 0, BLOCK); n > 0; n = in.readNBytes(window, kept, BLOCK)) {
                List<String> found = formsIn(Arrays.copyOf(window, kept + n));
                if (!found.isEmpty()) {
                    return found;
                }
                int end = kept + n;
                kept = Math.min(OVERLAP, end);
                System.arraycopy(window, end - kept, window, 0, kept);
            }
            return List.of();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }
}
