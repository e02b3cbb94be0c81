package io.gyre.live;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;

/** A file of the page, as the browser gets it. */
final class LiveFile {

    private final String contentType;
    private final byte[] bytes;

    private LiveFile(String contentType, byte[] bytes) {
        this.contentType = contentType;
        this.bytes = bytes;
    }

    /** With its character set. */
    String contentType() {
        return contentType;
    }

    /** Not to be changed. */
    byte[] bytes() {
        return bytes;
    }

    /** All that can be asked for by path. Nothing of the file system is served. */
    static Map<String, LiveFile> all() {
        return Map.of(
                "/", read("live.html", "text/html; charset=utf-8"),
                "/live.js", read("live.js", "text/javascript; charset=utf-8"),
                "/live.css", read("live.css", "text/css; charset=utf-8"),
                "/uPlot.iife.min.js", read("uPlot.iife.min.js", "text/javascript; charset=utf-8"),
                "/uPlot.min.css", read("uPlot.min.css", "text/css; charset=utf-8"));
    }

    private static LiveFile read(String name, String contentType) {
        try (InputStream in = LiveFile.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the jar lacks " + name);
            }
            return new LiveFile(contentType, in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(name + " of the live page cannot be read", e);
        }
    }
}
