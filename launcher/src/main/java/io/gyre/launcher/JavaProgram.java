package io.gyre.launcher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Stream;

/**
 * The Java program that every rank of a run executes, with its arguments.
 *
 * @param entry arguments of {@code java} that name the program: {@code -jar FILE} or {@code -cp PATH CLASS}
 * @param arguments arguments of the program
 */
public record JavaProgram(List<String> entry, List<String> arguments) {

    public JavaProgram {
        entry = List.copyOf(entry);
        arguments = List.copyOf(arguments);
    }

    /**
     * A main class.
     *
     * @param classPath as {@code java -cp} takes it; relative entries are relative to the directory of the launcher
     */
    public static JavaProgram mainClass(String name, String classPath, List<String> arguments) {
        return new JavaProgram(List.of("-cp", classPath, name), arguments);
    }

    /** A main class on the class path of this JVM. */
    public static JavaProgram mainClass(String name, List<String> arguments) {
        return mainClass(name, System.getProperty("java.class.path"), arguments);
    }

    /** A jar whose manifest names the main class. */
    public static JavaProgram jar(String file, List<String> arguments) {
        return new JavaProgram(List.of("-jar", file), arguments);
    }

    /**
     * Fails if the program is missing here, so that there is one message instead of one per rank.
     *
     * @throws IllegalArgumentException saying what is missing
     */
    void checkPresent() {
        if (entry.get(0).equals("-jar")) {
            checkJar(Path.of(entry.get(1)));
        } else {
            checkClass(entry.get(1), entry.get(2));
        }
    }

    private static void checkJar(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException("there is no jar " + file);
        }
        try (JarFile jar = new JarFile(file.toFile())) {
            Manifest manifest = jar.getManifest();
            if (manifest == null || manifest.getMainAttributes().getValue(Attributes.Name.MAIN_CLASS) == null) {
                throw new IllegalArgumentException("jar " + file + " names no main class in its manifest (Main-Class);"
                        + " give the class, and the jar as --class-path");
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("jar " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static void checkClass(String classPath, String name) {
        URL[] places = places(classPath).toArray(URL[]::new);
        try (URLClassLoader loader = new URLClassLoader(places, null)) {
            if (loader.findResource(name.replace('.', '/') + ".class") == null) {
                throw new IllegalArgumentException("there is no class " + name + " on the class path " + classPath);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Entries of a class path; {@code directory/*} is expanded to its jars, as by {@code java}. */
    private static List<URL> places(String classPath) {
        List<URL> places = new ArrayList<>();
        for (String entry : classPath.split(java.io.File.pathSeparator, -1)) {
            if (entry.equals("*") || entry.endsWith("/*")) {
                Path directory = Path.of(entry.equals("*") ? "." : entry.substring(0, entry.length() - 2));
                try (Stream<Path> files = Files.list(directory)) {
                    files.filter(file -> file.toString().endsWith(".jar")).forEach(file -> places.add(url(file)));
                } catch (IOException e) {
                    throw new IllegalArgumentException("class path entry " + entry + " is not a directory", e);
                }
            } else {
                places.add(url(Path.of(entry)));
            }
        }
        return places;
    }

    private static URL url(Path path) {
        try {
            return path.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException("class path entry " + path + " is not a path", e);
        }
    }
}
