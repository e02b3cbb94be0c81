package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.weightnoise.IWeightNoise;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * A verdict for every Deeplearning4j class that a model or trainer accepts. {@code verdicts.tsv} lists them, other
 * tests verify them, and this one checks that none is missing.
 */
class VerdictsTest {

    private static final List<Class<?>> KINDS = List.of(
            ILossFunction.class,
            Layer.class,
            GraphVertex.class,
            InputPreProcessor.class,
            IActivation.class,
            IDropout.class,
            IWeightNoise.class,
            LayerConstraint.class,
            Regularization.class,
            IUpdater.class,
            ISchedule.class,
            IEvaluation.class,
            TrainingListener.class);

    private static final Pattern CLASS_IN_JSON = Pattern.compile("\"@class\"\\s*:\\s*\"([^\"]+)\"");

    @TempDir
    private Path directory;

    private enum Verdict {
        /** Ranks equal one process up to rounding error. */
        EXACT,
        /** As the named class, of which it is an alias or a part. */
        AS,
        /** Ranks equal one process with micro-batches; the documentation names the class and the differences. */
        IN_PARTS,
        /** Rejected before anything starts; the documentation names the class. */
        REFUSED,
        /** Deeplearning4j itself fails with it; the documentation names the class. */
        UNUSABLE
    }

    private record Entry(Verdict verdict, String other) {}

    private static Map<String, Entry> table() throws IOException, URISyntaxException {
        Path file = Path.of(Objects.requireNonNull(VerdictsTest.class.getResource("verdicts.tsv"))
                .toURI());
        Map<String, Entry> table = new LinkedHashMap<>();
        for (String line : Files.readAllLines(file)) {
            String[] fields = line.split("\t", -1);
            Entry before =
                    table.put(fields[0], new Entry(Verdict.valueOf(fields[1]), fields.length > 2 ? fields[2] : ""));
            assertThat(before).as(fields[0]).isNull();
        }
        return table;
    }

    /** Names of all classes of the kinds, in the libraries that define these kinds. */
    private static Set<String> shipped() throws IOException, URISyntaxException, ClassNotFoundException {
        Set<String> shipped = new TreeSet<>();
        for (Class<?> inLibrary : List.of(Layer.class, ILossFunction.class)) {
            Path library = Path.of(inLibrary
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            try (JarFile jar = new JarFile(library.toFile())) {
                for (var entry : (Iterable<java.util.jar.JarEntry>) jar.stream()::iterator) {
                    String name = entry.getName();
                    if (name.endsWith(".class") && !name.startsWith("META-INF") && !name.endsWith("-info.class")) {
                        Class<?> kind = Class.forName(
                                name.substring(0, name.length() - ".class".length())
                                        .replace('/', '.'),
                                false,
                                VerdictsTest.class.getClassLoader());
                        if (!Modifier.isAbstract(kind.getModifiers())
                                && KINDS.stream().anyMatch(each -> each.isAssignableFrom(kind))) {
                            shipped.add(kind.getName());
                        }
                    }
                }
            }
        }
        return shipped;
    }

    @Test
    void everyClassHasAVerdict() throws Exception {
        assertThat(table().keySet()).containsExactlyInAnyOrderElementsOf(shipped());
    }

    @Test
    void everyVerdictIsProvedByATest() throws Exception {
        Set<String> exact = classes(KnownClassesTest.exact());
        KnownEvaluations.ofSeveralColumns()
                .forEach(each -> exact.add(each.getClass().getName()));
        KnownEvaluations.ofOneColumn().forEach(each -> exact.add(each.getClass().getName()));
        ListenersTest.known(directory).forEach(each -> exact.add(each.getClass().getName()));
        Set<String> inParts = classes(KnownClassesTest.exactInParts());
        Set<String> refused = classes(KnownClassesTest.refused());
        Set<String> unusable = classes(KnownClassesTest.unusable());
        KnownEvaluations.refused().forEach(each -> refused.add(each.getClass().getName()));

        Map<String, Entry> table = table();
        List<String> unproved = new ArrayList<>();
        table.forEach((name, entry) -> {
            Collection<String> proved = switch (entry.verdict()) {
                case EXACT -> exact;
                case AS -> table.keySet();
                case IN_PARTS -> inParts;
                case REFUSED -> refused;
                case UNUSABLE -> unusable;
            };
            if (!proved.contains(entry.verdict() == Verdict.AS ? entry.other() : name)) {
                unproved.add(name);
            }
        });
        assertThat(unproved).isEmpty();
    }

    private static Set<String> classes(Stream<Named<FeaturesTest.Feature>> features) {
        return features.map(each -> Network.of(each.getPayload().model().get()).configurationJson())
                .flatMap(json -> CLASS_IN_JSON.matcher(json).results().map(match -> match.group(1)))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void theDocumentationNamesEveryClassThatIsNotExact() throws Exception {
        String documentation = Files.readString(Path.of("..", "docs", "training.md"));

        table().forEach((name, entry) -> {
            if (entry.verdict() != Verdict.EXACT && entry.verdict() != Verdict.AS) {
                assertThat(documentation)
                        .contains(name.substring(name.lastIndexOf('.') + 1).replace('$', '.'));
            }
        });
    }
}
