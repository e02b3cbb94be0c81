package io.gyre.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import org.apache.spark.api.java.function.Function2;

/**
 * Halts the JVM of the second partition in the middle of it, once.
 *
 * @param <T> element
 */
final class DiesOnce<T> implements Function2<Integer, Iterator<T>, Iterator<T>> {

    private static final long serialVersionUID = 1;

    private final String marker;

    /**
     * Names the file that says that it has happened.
     */
    DiesOnce(String marker) {
        this.marker = marker;
    }

    @Override
    public Iterator<T> call(Integer index, Iterator<T> elements) {
        if (index != 1) {
            return elements;
        }
        return new Iterator<>() {
            private int count;

            @Override
            public boolean hasNext() {
                return elements.hasNext();
            }

            @Override
            public T next() {
                if (++count == 10 && isFirst()) {
                    Runtime.getRuntime().halt(137);
                }
                return elements.next();
            }
        };
    }

    private boolean isFirst() {
        try {
            Files.createFile(Path.of(marker));
            return true;
        } catch (FileAlreadyExistsException alreadyDied) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
